import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Where the slow files are, the slowest first. */
const slow = [/\/apps\/[^/]+\/test\//]

/** Begins with the files that take long or wait, so that none of them is left for the end; a fresh clone knows no times. */
export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slow.findIndex(pattern => pattern.test(moduleId))
      return at === -1 ? slow.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
