/** Data of a server-sent event that has a name: its `type` is the name. */
export interface NamedEvent {
  readonly type: string
  readonly [member: string]: unknown
}

/** The events of a stream of Responses or Messages. Checks that each is complete and named as its data says. */
export function namedEvents<T extends { type: string } = NamedEvent>(text: string): T[] {
  if (!text.endsWith('\n\n')) throw new Error(`the stream ends within an event: ${JSON.stringify(text.slice(-80))}`)
  return text
    .slice(0, -2)
    .split('\n\n')
    .map(frame => {
      const match = /^event: (\S+)\ndata: (.*)$/.exec(frame)
      if (!match) throw new Error(`not a named event: ${frame}`)
      const data = JSON.parse(match[2]!)
      if (data.type !== match[1]) throw new Error(`event ${match[1]} has data of type ${data.type}`)
      return data
    })
}
