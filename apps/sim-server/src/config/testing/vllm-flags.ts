/** Every option that vLLM has or had, without its dashes, in alphabetical order. */
export const VLLM_FLAGS: readonly string[] = `
  additional-config aggregate-engine-logging all2all-backend allow-credentials allow-deprecated-quantization
  allowed-headers allowed-local-media-path allowed-media-domains allowed-methods allowed-origins api-key
  api-server-count async-scheduling attention-backend attention-config block-size calculate-kv-scales
  chat-template chat-template-content-format chat-template-text-format code-revision cohere-format
  cohere-is-reasoning-model collect-detailed-traces compilation-config config-format convert
  cp-kv-cache-interleave-size cpu-distributed-timeout-seconds cpu-offload-gb cpu-offload-params cuda-graph-sizes
  cudagraph-capture-sizes cudagraph-metrics data-parallel-address data-parallel-backend
  data-parallel-external-lb data-parallel-hybrid-lb data-parallel-multi-port-external-lb data-parallel-rank
  data-parallel-rpc-port data-parallel-size data-parallel-size-local data-parallel-start-rank
  data-parallel-supervisor-port dbo-decode-token-threshold dbo-prefill-token-threshold dcp-comm-backend
  dcp-kv-cache-interleave-size decode-context-parallel-size default-chat-template-kwargs default-mm-loras device
  device-ids diffusion-config disable-access-log-for-endpoints disable-async-output-proc disable-cascade-attn
  disable-chunked-mm-input disable-custom-all-reduce disable-fastapi-docs disable-frontend-multiprocessing
  disable-hybrid-kv-cache-manager disable-log-requests disable-log-stats disable-mm-preprocessor-cache
  disable-nccl-for-dp-synchronization disable-sliding-window disable-uvicorn-access-log
  distributed-executor-backend distributed-timeout-seconds download-dir dp-supervisor-probe-failure-threshold
  dp-supervisor-probe-interval-s dp-supervisor-probe-timeout-s dtype ec-manager-config ec-transfer-config
  enable-auto-tool-choice enable-bf16x3-router-gemm enable-chunked-prefill enable-cumem-allocator enable-dbo
  enable-elastic-ep enable-ep-weight-filter enable-eplb enable-expert-parallel enable-fault-tolerance
  enable-flash-late-interaction enable-flashinfer-autotune enable-force-include-usage
  enable-layerwise-nvtx-tracing enable-log-deltas enable-log-outputs enable-log-requests
  enable-logging-iteration-details enable-lora enable-lora-bias enable-mamba-cache-stochastic-rounding
  enable-mfu-metrics enable-mixed-moe-lora-format enable-mm-embeds enable-moe-shared-loras
  enable-multimodal-encoder-data-parallel enable-offline-docs enable-per-request-metrics enable-prefix-caching
  enable-prompt-adapter enable-prompt-embeds enable-prompt-tokens-details enable-reasoning
  enable-request-id-headers enable-return-routed-experts enable-server-load-tracking enable-sleep-mode
  enable-ssl-refresh enable-tokenizer-info-endpoint enable-tower-connector-lora enforce-eager engine-use-ray
  eplb-config eplb-log-balancedness eplb-step-interval eplb-window-size exclude-tools-when-tool-choice-none
  expand-tools-even-if-tool-choice-none expert-placement-strategy fail-on-environ-validation
  fault-tolerance-config fingerprint-mode fingerprint-value fully-sharded-loras gdn-prefill-backend
  generation-config gpu-memory-utilization grpc guided-decoding-backend
  guided-decoding-disable-additional-properties guided-decoding-disable-any-whitespace
  guided-decoding-disable-fallback h11-max-header-count h11-max-incomplete-event-size headless hf-config-path
  hf-overrides hf-token host ignore-patterns interleave-mm-strings io-processor-plugin ir-op-priority
  jit-monitor-mode jit-monitor-verbose kda-prefill-backend kernel-config kv-cache-dtype
  kv-cache-dtype-skip-layers kv-cache-memory-bytes kv-cache-metrics kv-cache-metrics-sample kv-events-config
  kv-offloading-backend kv-offloading-size kv-sharing-fast-prefill kv-transfer-config language-model-only
  limit-mm-per-prompt linear-backend load-format log-config-file log-error-stack logits-processor-pattern
  logits-processors logprobs-mode long-lora-scaling-factors long-prefill-token-threshold lora-dtype
  lora-extra-vocab-size lora-modules lora-target-modules mamba-backend mamba-block-size mamba-cache-dtype
  mamba-cache-mode mamba-cache-philox-rounds mamba-ssm-cache-dtype mamba-ssu-algorithm master-addr master-port
  max-context-len-to-capture max-cpu-loras max-cudagraph-capture-size max-log-len max-logprobs
  max-long-partial-prefills max-lora-rank max-loras max-model-len max-num-batched-tokens
  max-num-partial-prefills max-num-scheduled-tokens max-num-seqs max-parallel-loading-workers
  max-prompt-adapter-token max-prompt-adapters max-seq-len-to-capture media-io-kwargs middleware
  mm-device-do-normalize mm-encoder-attn-backend mm-encoder-attn-dtype mm-encoder-fp8-scale-path
  mm-encoder-fp8-scale-save-margin mm-encoder-fp8-scale-save-path mm-encoder-only mm-encoder-tp-mode
  mm-hasher-algorithm mm-ipc-gpu-memory-gb mm-placeholder-str-override mm-processor-cache-gb
  mm-processor-cache-type mm-processor-device mm-processor-kwargs mm-shm-cache-max-object-size-mb mm-tensor-ipc
  model model-class-overrides model-impl model-loader-extra-config moe-backend multi-step-stream-outputs
  ngram-prompt-lookup-max ngram-prompt-lookup-min nnodes node-rank num-gpu-blocks-override num-lookahead-slots
  num-redundant-experts num-scheduler-steps num-speculative-tokens numa-bind numa-bind-cpus numa-bind-nodes
  offload-backend offload-group-size offload-num-in-group offload-params offload-prefetch-step
  optimization-level otlp-traces-endpoint override-attention-dtype override-generation-config
  override-neuron-config override-pooler-config performance-mode pipeline-parallel-size pooler-config port
  preemption-mode prefill-context-parallel-size prefill-schedule-interval prefix-caching-hash-algo
  prefix-match-unit profiler-config prompt-adapters pt-load-map-location qlora-adapter-name-or-path quantization
  quantization-config quantization-param-path ray-workers-use-nsight reasoning-config reasoning-parser
  reasoning-parser-plugin renderer-num-workers replayssm-buffer-len response-role return-sampling-mask
  return-tokens-as-token-ids revision root-path rope-scaling rope-theta runner safetensors-load-strategy
  safetensors-prefetch-block-size safetensors-prefetch-num-threads scheduler-cls scheduler-delay-factor
  scheduler-reserve-full-isl scheduling-policy seed served-model-name show-hidden-metrics-for-version
  shutdown-timeout skip-mm-profiling skip-tokenizer-init spec-decoding-acceptance-method spec-method spec-model
  spec-tokens specialize-active-lora speculative-config speculative-disable-by-batch-size
  speculative-disable-mqa-scorer speculative-draft-tensor-parallel-size speculative-max-model-len
  speculative-model speculative-model-quantization ssl-ca-certs ssl-cert-reqs ssl-certfile ssl-ciphers
  ssl-keyfile stream-interval structured-outputs-config swap-space task tensor-parallel-size tokenizer
  tokenizer-mode tokenizer-pool-extra-config tokenizer-pool-size tokenizer-pool-type tokenizer-revision
  tokens-only tool-call-parser tool-parser-plugin tool-server trust-remote-code trust-request-chat-template
  typical-acceptance-sampler-posterior-alpha typical-acceptance-sampler-posterior-threshold ubatch-size uds
  use-fp64-gumbel use-replayssm use-tqdm-on-load use-v2-block-manager uvicorn-log-level video-pruning-method
  video-pruning-rate watermark weight-transfer-config worker-cls worker-extension-cls worker-use-ray
`
  .trim()
  .split(/\s+/)
