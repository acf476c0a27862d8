import type { Plan } from '../generation/endpoint.ts'

/** The members that chat and text completions begin with, whole or in chunks, and the comma after them: JSON. */
export function answerHead({ context, request }: Plan, id: string, object: string): string {
  return (
    `{"id":${JSON.stringify(id)},"object":"${object}",` +
    `"created":${Math.floor(context.clock.wall() / 1000)},"model":${JSON.stringify(request.model)},`
  )
}
