import { expect, test, vi } from 'vitest'
import { startServer } from '../testing/server.ts'

test('others have a turn after a large body is parsed and before what it asks for is planned', async () => {
  const server = await startServer()
  try {
    const held: (() => void)[] = []
    const soon = vi.spyOn(server.context.socketTimeline.clock, 'whenFree').mockImplementation(run => held.push(run))
    const submit = vi.spyOn(server.engine, 'submit')
    const body = { model: 'my-model', prompt: 'Hi', max_tokens: 1, user: 'x'.repeat(300_000) }
    const answer = server.post('/v1/completions', body)
    await vi.waitFor(() => expect(held).toHaveLength(1), { timeout: 60_000 })
    expect(submit).not.toHaveBeenCalled()
    soon.mockRestore()
    held[0]!()
    expect((await answer).status).toBe(200)
    expect(submit).toHaveBeenCalledOnce()
  } finally {
    await server.close()
  }
})
