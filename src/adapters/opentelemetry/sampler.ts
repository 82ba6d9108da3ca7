import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace'
import type { SamplerOptions } from './options.ts'

/** Makes the sampler that the environment asks for. */
export function createSampler({ kind, parentBased, ratio }: SamplerOptions): Sampler {
  const root = createRoot(kind, ratio)
  return parentBased ? new ParentBasedSampler({ root }) : root
}

function createRoot(kind: SamplerOptions['kind'], ratio: number): Sampler {
  switch (kind) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio)
  }
}
