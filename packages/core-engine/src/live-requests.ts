import { LinkedList } from './linked-list.ts'
import type { Submission } from './submission.ts'

/** Requests that have not got all of their answer. */
export class LiveRequests extends LinkedList<Submission> {
  /** Those that go by one of these ids, which clients choose: several may have the same. */
  withIds(ids: ReadonlySet<string>): Submission[] {
    const found: Submission[] = []
    for (let one = this.first; one; one = one.following) {
      if (ids.has(one.sequences[0]!.request.id)) found.push(one)
    }
    return found
  }
}
