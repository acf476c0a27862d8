import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Logger } from '@vllm-sim/service'
import type { Attributes, TraceSpan, Tracing } from './tracing.ts'

type Environment = Readonly<Record<string, string | undefined>>

const scope = 'llm-d-router/pkg/sidecar/proxy'
const serviceName = 'llm-d-disagg-sidecar'
const defaultRatio = 0.1
const propagator = new CompositePropagator({
  propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
})

/**
 * OpenTelemetry, as `OTEL_*` variables say: `OTEL_TRACES_EXPORTER=otlp` sends spans by gRPC, anything else prints them.
 * @param exporter in the place of the one that `env` names, for tests
 */
export async function openTelemetry(env: Environment, log: Logger, exporter?: SpanExporter): Promise<Tracing> {
  const named = resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] ?? serviceName })
  const resource = defaultResource()
    .merge(named)
    .merge(detectResources({ detectors: [envDetector] }))
  const provider = new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio(env, log)) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: exporter ?? (await exporterOf(env)) })],
  })
  const tracer = provider.getTracer(scope)
  return {
    request(name, headers) {
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
      return new OpenSpan(tracer, parent, tracer.startSpan(name, { kind: SpanKind.SERVER }, parent))
    },
    shutdown: () => provider.shutdown(),
  }
}

async function exporterOf(env: Environment): Promise<SpanExporter> {
  if (env['OTEL_TRACES_EXPORTER'] !== 'otlp') return new ConsoleSpanExporter()
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc')
  return new OTLPTraceExporter()
}

/** The share of traces that begin here and are kept. */
function ratio(env: Environment, log: Logger): number {
  const { OTEL_TRACES_SAMPLER: sampler = 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: text = '' } = env
  if (sampler !== 'parentbased_traceidratio') {
    log.warn({ sampler }, `only the sampler parentbased_traceidratio is known: ${defaultRatio} is used`)
    return defaultRatio
  }
  const value = Number(text)
  return text !== '' && value >= 0 && value <= 1 ? value : defaultRatio
}

class OpenSpan implements TraceSpan {
  readonly #tracer: Tracer
  readonly #within: Context
  readonly #span: Span

  constructor(tracer: Tracer, parent: Context, span: Span) {
    this.#tracer = tracer
    this.#within = trace.setSpan(parent, span)
    this.#span = span
  }

  get context(): [string, string][] {
    const headers: Record<string, string> = {}
    propagator.inject(this.#within, headers, defaultTextMapSetter)
    return Object.entries(headers)
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes)
  }

  child(name: string, attributes: Attributes = {}): TraceSpan {
    return new OpenSpan(this.#tracer, this.#within, this.#tracer.startSpan(name, { attributes }, this.#within))
  }

  end(error?: string): void {
    if (error !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error })
    this.#span.end()
  }
}
