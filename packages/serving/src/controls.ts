/** The spellings that Go's `strconv.ParseBool` takes, which the reference reads headers with. */
const booleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
}

/** The value of a header, or of metadata, as a boolean; anything but the accepted spellings counts as absent. */
export function booleanValue(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : booleans[text]
}
