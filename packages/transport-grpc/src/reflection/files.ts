import { createRegistry, type DescExtension, type DescFile, type Registry, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'

/** The definitions that reflection tells about. */
export class ReflectedFiles {
  readonly #registry: Registry
  readonly #files = new Map<string, DescFile>()
  /** Full names, sorted. */
  readonly services: readonly string[]

  /** @param files those with the services; what they import is added */
  constructor(files: readonly DescFile[]) {
    for (const file of files) this.#add(file)
    this.#registry = createRegistry(...this.#files.values())
    this.services = files.flatMap(file => file.services.map(service => service.typeName)).sort()
  }

  /** A file and all that it imports, serialized, the file first; undefined when it is not known. */
  byName(name: string): Uint8Array[] | undefined {
    const file = this.#files.get(name)
    return file && serialized(file)
  }

  /** The file that declares a service, method, message, field, enum, enum value or extension. */
  bySymbol(symbol: string): Uint8Array[] | undefined {
    const name = symbol.startsWith('.') ? symbol.slice(1) : symbol
    const file = this.#fileOf(name) ?? this.#fileOf(name.slice(0, Math.max(0, name.lastIndexOf('.'))), name)
    return file && serialized(file)
  }

  /** The file that declares an extension of a message. */
  byExtension(message: string, number: number): Uint8Array[] | undefined {
    const extension = this.#extensions(message)?.find(one => one.number === number)
    return extension && serialized(extension.file)
  }

  /** Numbers of all extensions of a message; undefined when there is no such message. */
  extensionNumbers(message: string): number[] | undefined {
    return this.#extensions(message)?.map(one => one.number)
  }

  #extensions(message: string): DescExtension[] | undefined {
    const extendee = this.#registry.getMessage(message)
    if (!extendee) return undefined
    return [...this.#registry].filter(
      type => type.kind === 'extension' && type.extendee === extendee,
    ) as DescExtension[]
  }

  /** @param member a full name that must be a member of `name`, such as a method of a service */
  #fileOf(name: string, member?: string): DescFile | undefined {
    const type = this.#registry.get(name)
    if (!type || member === undefined) return type?.file
    const local = member.slice(name.length + 1)
    switch (type.kind) {
      case 'service':
        return type.methods.some(method => method.name === local) ? type.file : undefined
      case 'message':
        return type.fields.some(field => field.name === local) || type.oneofs.some(oneof => oneof.name === local)
          ? type.file
          : undefined
      case 'enum':
        return type.values.some(value => value.name === local) ? type.file : undefined
      default:
        return undefined
    }
  }

  #add(file: DescFile): void {
    const name = `${file.name}.proto`
    if (this.#files.has(name)) return
    this.#files.set(name, file)
    for (const dependency of file.dependencies) this.#add(dependency)
  }
}

function serialized(file: DescFile): Uint8Array[] {
  const seen = new Set<DescFile>()
  const list: Uint8Array[] = []
  const add = (one: DescFile): void => {
    if (seen.has(one)) return
    seen.add(one)
    list.push(toBinary(FileDescriptorProtoSchema, one.proto))
    for (const dependency of one.dependencies) add(dependency)
  }
  add(file)
  return list
}
