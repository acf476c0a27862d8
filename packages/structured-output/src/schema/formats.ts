const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
const IPV4 = `${OCTET}(\\.${OCTET}){3}`
const DATE = '(19[7-9][0-9]|20[0-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])'
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
const ZONE = '(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])'
const LABEL = '[a-z]([a-z0-9]{0,20}[a-z0-9])?'
const HOST = `${LABEL}(\\.${LABEL}){0,3}`
const SEGMENT = '[A-Za-z0-9_.-]+'
const URI = `(https?|ftp|file)://${HOST}(:[1-9][0-9]{0,3})?(/${SEGMENT}){0,4}/?(\\?[a-z]+=[A-Za-z0-9]+)?(#[a-z]+)?`
const HEX = '[0-9a-f]'
const POINTER = '(/([A-Za-z0-9_-]|~[01])*)*'

/** A format as regular expressions for the whole text. */
export interface Format {
  /** Pleasant texts. */
  readonly plain: string
  /** A wider part of the format, for when other conditions have to hold as well. */
  readonly wide: string
}

const of = (plain: string, wide = plain): Format => ({ plain, wide })
const EMAIL = of(
  '(alice|bob|carol|dave)[0-9]{0,2}@example\\.(com|org|net)',
  `[A-Za-z0-9_+-]{1,24}(\\.[A-Za-z0-9_+-]{1,24})?@${HOST}\\.[a-z]{2,8}`,
)
const HOSTNAME = of(
  '(www|api|mail|node-[0-9]{1,2})\\.example\\.(com|org|net)',
  `(${LABEL}|[a-z0-9]+(-[a-z0-9]+)*)(\\.${LABEL})*`,
)
const URL = of('https://example\\.(com|org|net)/[a-z]{3,8}', URI)
const REFERENCE = of('/[a-z]{3,8}(/[a-z]{2,6})?', `(${URI}|(/${SEGMENT})+|${SEGMENT}|)`)
const BYTE = '([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?'

/**
 * The string formats of JSON Schema (2020-12, section 7.3) and OpenAPI as sub-languages that every validator accepts:
 * no leap seconds or 29th of February, zones within 14 hours. A format that is not here puts no condition on the text.
 */
export const FORMATS: Readonly<Record<string, Format>> = {
  date: of(DATE),
  time: of(`${TIME}Z`, `${TIME}(\\.[0-9]{1,6})?${ZONE}`),
  'date-time': of(`${DATE}T${TIME}Z`, `${DATE}T${TIME}(\\.[0-9]{1,6})?${ZONE}`),
  'iso-time': of(`${TIME}Z`, `${TIME}(\\.[0-9]{1,6})?${ZONE}?`),
  'iso-date-time': of(`${DATE}T${TIME}Z`, `${DATE}[T ]${TIME}(\\.[0-9]{1,6})?${ZONE}?`),
  duration: of(
    'P([1-9]D|T[1-9]H|[1-9]DT[1-9]H)',
    'P([0-9]{1,4}W|[0-9]{1,4}D(T[0-9]{1,4}H)?|T[0-9]{1,4}[HMS]|[0-9]{1,4}Y([0-9]{1,4}M)?)',
  ),
  email: EMAIL,
  'idn-email': EMAIL,
  hostname: HOSTNAME,
  'idn-hostname': HOSTNAME,
  ipv4: of(IPV4),
  ipv6: of(`2001:db8(:${HEX}{4}){6}`, `(${HEX}{1,4}(:${HEX}{1,4}){7}|${HEX}{1,4}::${HEX}{1,4}|::${HEX}{0,4})`),
  uuid: of(
    `${HEX}{8}-${HEX}{4}-4${HEX}{3}-[89ab]${HEX}{3}-${HEX}{12}`,
    '[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}',
  ),
  uri: URL,
  url: of('https://example\\.(com|org|net)/[a-z]{3,8}', `https?://${LABEL}\\.(com|org|net)(/[a-z0-9_.-]+){0,3}`),
  iri: URL,
  'uri-reference': REFERENCE,
  'iri-reference': REFERENCE,
  'uri-template': of('/[a-z]{3,8}/\\{[a-z]{2,6}\\}', '(/[a-z0-9]+)*(/\\{[a-z]+\\})?'),
  'json-pointer': of('/[a-z]{3,8}(/[0-9])?', POINTER),
  'json-pointer-uri-fragment': of('#/[a-z]{3,8}', '#(/[A-Za-z0-9_]*)*'),
  'relative-json-pointer': of('[0-3](/[a-z]{3,8})?', `(0|[1-9][0-9]{0,3})(#|${POINTER})`),
  regex: of('\\^\\[a-z\\]\\+\\$', '\\^?[a-z0-9]*\\$?'),
  byte: of('([A-Za-z0-9+/]{4}){1,4}', BYTE),
}

const LOOSE_TIME = '\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([zZ]|[+-]\\d{2}(:?\\d{2})?)?'

/**
 * What a client's own value at least looks like when it is meant to have the format: more than validators accept, where
 * the expressions above are less. Formats that are not here are not judged.
 */
export const LOOSE_FORMATS: Readonly<Record<string, string>> = {
  date: '\\d{4}-\\d{2}-\\d{2}',
  time: LOOSE_TIME,
  'date-time': `\\d{4}-\\d{2}-\\d{2}[tT ]${LOOSE_TIME}`,
  'iso-time': LOOSE_TIME,
  'iso-date-time': `\\d{4}-\\d{2}-\\d{2}[tT ]${LOOSE_TIME}`,
  duration: 'P[0-9TYMWDHS.]+',
  email: '[^\\s@]+@[^\\s@]+',
  'idn-email': '[^\\s@]+@[^\\s@]+',
  hostname: '[a-zA-Z0-9.-]+',
  ipv4: '\\d{1,3}(\\.\\d{1,3}){3}',
  ipv6: '[0-9a-fA-F:.]*:[0-9a-fA-F:.]*',
  uuid: '(urn:uuid:)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
  uri: '[a-zA-Z][a-zA-Z0-9+.-]*:\\S*',
  url: '[a-zA-Z][a-zA-Z0-9+.-]*:\\S*',
  iri: '[a-zA-Z][a-zA-Z0-9+.-]*:\\S*',
  'uri-reference': '[^\\s"<>\\\\^`{|}]*',
  'json-pointer': '(/(.|\\n)*)?',
  'json-pointer-uri-fragment': '#(/\\S*)?',
  'relative-json-pointer': '\\d+(#|/.*)?',
  byte: '[A-Za-z0-9+/=]*',
}
