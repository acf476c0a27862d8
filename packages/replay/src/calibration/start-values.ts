import type { StepCoefficients } from '@vllm-sim/latency'
import { TraceError } from '../trace.ts'

/** What a GPU can do at most, by its maker: bytes and dense 16-bit operations per second. */
interface Gpu {
  /** Part of the name that tells it, in lower case. */
  readonly name: string
  readonly bandwidth: number
  readonly flops: number
  /** Time of a collective operation between several of them, milliseconds: over NVLink or PCIe. */
  readonly collective: number
}

/** From the makers' data sheets. */
const gpus: readonly Gpu[] = [
  { name: 'rtx pro 6000', bandwidth: 1.792e12, flops: 503.8e12, collective: 0.03 },
  { name: 'rtx 4090', bandwidth: 1.008e12, flops: 165.2e12, collective: 0.03 },
  { name: 'rtx 5090', bandwidth: 1.792e12, flops: 209.5e12, collective: 0.03 },
  { name: 'l40s', bandwidth: 0.864e12, flops: 362e12, collective: 0.03 },
  { name: 'l4', bandwidth: 0.3e12, flops: 121e12, collective: 0.03 },
  { name: 'a10', bandwidth: 0.6e12, flops: 125e12, collective: 0.03 },
  { name: 'a100', bandwidth: 2.039e12, flops: 312e12, collective: 0.008 },
  { name: 'h200', bandwidth: 4.8e12, flops: 989e12, collective: 0.008 },
  { name: 'h100', bandwidth: 3.35e12, flops: 989e12, collective: 0.008 },
  { name: 'b200', bandwidth: 8e12, flops: 2250e12, collective: 0.008 },
]

/** Members of a HuggingFace `config.json` that tell what a step computes. */
export interface ModelConfig {
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly intermediate_size: number
  readonly vocab_size: number
  /** Mixture of experts: how many, how many of them a token needs, and the size of one. */
  readonly num_experts: number
  readonly num_experts_per_tok: number
  readonly moe_intermediate_size: number
}

/** How the model is spread over GPUs. */
export interface Parallelism {
  /** GPUs that share each layer. */
  readonly tensor: number
  /** Ranks that share the experts; 1 without expert parallelism. */
  readonly expert: number
}

/**
 * The members of a `config.json` that are needed.
 * @throws TraceError that names the member
 */
export function modelConfig(value: unknown): ModelConfig {
  const config = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const number = (name: string, fallback?: number): number => {
    const found = config[name] ?? fallback
    if (typeof found === 'number' && Number.isInteger(found) && found > 0) return found
    throw new TraceError(`the model's configuration needs a whole number as ${name}`)
  }
  const hidden = number('hidden_size')
  const heads = number('num_attention_heads')
  const hasExperts = config['num_experts'] !== undefined || config['num_local_experts'] !== undefined
  return {
    hidden_size: hidden,
    num_hidden_layers: number('num_hidden_layers'),
    num_attention_heads: heads,
    num_key_value_heads: number('num_key_value_heads', heads),
    head_dim: number('head_dim', Math.floor(hidden / heads)),
    intermediate_size: number('intermediate_size'),
    vocab_size: number('vocab_size'),
    num_experts: hasExperts ? number('num_experts', config['num_local_experts'] as number) : 1,
    num_experts_per_tok: hasExperts ? number('num_experts_per_tok') : 1,
    moe_intermediate_size: hasExperts ? number('moe_intermediate_size', config['intermediate_size'] as number) : 1,
  }
}

/** The GPU that a name is of. @throws TraceError with those that are known */
function gpuOf(name: string): Gpu {
  const found = gpus.find(gpu => name.toLowerCase().includes(gpu.name))
  if (found) return found
  throw new TraceError(
    `unknown GPU ${name}: known are ${gpus.map(gpu => gpu.name.toUpperCase()).join(', ')}; else give a profile to start from`,
  )
}

/**
 * Coefficients from what model and GPU are made of, before anything was measured: weights of two bytes read once a step, two
 * operations per weight and token.
 * @throws TraceError for a GPU that is not known
 */
export function startValues(gpuName: string, model: ModelConfig, { tensor, expert }: Parallelism): StepCoefficients {
  const gpu = gpuOf(gpuName)
  const { hidden_size: hidden, num_hidden_layers: layers, head_dim: dim } = model
  const [heads, kvHeads] = [model.num_attention_heads, model.num_key_value_heads]
  const attention = layers * hidden * dim * (2 * heads + 2 * kvHeads)
  const head = model.vocab_size * hidden
  const isMoe = model.num_experts > 1
  const perExpert = layers * 3 * hidden * model.moe_intermediate_size
  const dense = attention + head + (isMoe ? 0 : layers * 3 * hidden * model.intermediate_size)
  const experts = isMoe ? perExpert * model.num_experts : 0
  const weights = dense / tensor + experts / (tensor * expert)
  // Tokens are counted over all ranks, of which each computes its share.
  const active = (dense + (isMoe ? perExpert * model.num_experts_per_tok : 0)) / (tensor * expert)
  const collectives = (tensor > 1 ? 2 * layers : 0) + (expert > 1 ? 2 * layers : 0)
  const kvBytes = (4 * layers * kvHeads * dim) / tensor
  return {
    host_ms: 1.5 + collectives * gpu.collective,
    mixed_ms: 3,
    weights_ms: ((2 * weights) / gpu.bandwidth) * 1e3,
    token_us: ((2 * active) / gpu.flops) * 1e6,
    seq_us: tensor > 1 ? 60 : 20,
    ctx_us_per_ktok: ((kvBytes * 1000) / gpu.bandwidth) * 1e6,
    pair_us_per_ktok: ((4 * heads * dim * layers * 1000) / tensor / gpu.flops) * 1e6,
    skew_us_per_ktok: 100,
    ...(isMoe
      ? {
          moe: {
            share: experts / (tensor * expert) / weights,
            experts: model.num_experts,
            active: model.num_experts_per_tok,
          },
        }
      : undefined),
  }
}
