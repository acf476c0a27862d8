import { readFileSync } from 'node:fs'
import path from 'node:path'
import { renderConfigurationPage, renderConfigurationSchema } from '../../apps/sim-server/src/config/docs/page.ts'
import { chart, renderValuesSchema, valuesTable } from './chart.ts'
import { endpointTable } from './endpoints.ts'
import { latencyTable } from './latency.ts'
import { bucketTable, metricsTable } from './metrics.ts'
import { referenceFlags } from './reference-flags.ts'
import { fillSections, type Sections } from './sections.ts'

/** The root of the repository. */
export const root = path.dirname(path.dirname(import.meta.dirname))

/** A file that is made from the sources, wholly or in parts. */
export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string
  /** @returns the file as it should be now */
  render(): Promise<string>
}

/** To add a file or a page with generated sections, add a row. */
export const generatedFiles: readonly GeneratedFile[] = [
  whole('docs/configuration.md', renderConfigurationPage),
  whole('docs/configuration.schema.json', renderConfigurationSchema),
  whole(`${chart}/values.schema.json`, renderValuesSchema),
  page(`${chart}/README.md`, () => ({ values: valuesTable() })),
  page('docs/http-api.md', async () => ({ endpoints: await endpointTable() })),
  page('docs/latency.md', () => ({ latency: latencyTable() })),
  page('docs/from-llm-d-inference-sim.md', async () => ({ flags: await referenceFlags() })),
  page('docs/metrics.md', () => ({ metrics: metricsTable(), buckets: bucketTable() })),
]

function whole(file: string, render: () => string): GeneratedFile {
  return { path: file, render: async () => render() }
}

/** A page that is written by hand but for its generated sections. */
function page(file: string, sections: () => Sections | Promise<Sections>): GeneratedFile {
  return {
    path: file,
    render: async () => fillSections(readFileSync(path.join(root, file), 'utf8'), await sections()),
  }
}
