import { Code, type ConnectRouter } from '@connectrpc/connect'
import { ServerReflection } from '../gen/grpc/reflection/v1/reflection_pb.ts'
import { ServerReflection as ServerReflectionV1alpha } from '../gen/grpc/reflection/v1alpha/reflection_pb.ts'
import type { ReflectedFiles } from './files.ts'

/** The answers of both versions, which differ in nothing but the name of their package. */
type Answer =
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: 'allExtensionNumbersResponse'; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | { case: 'errorResponse'; value: { errorCode: number; errorMessage: string } }

interface Question {
  readonly host: string
  readonly messageRequest:
    | { readonly case: 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType'; readonly value: string }
    | {
        readonly case: 'fileContainingExtension'
        readonly value: { readonly containingType: string; readonly extensionNumber: number }
      }
    | { readonly case: 'listServices'; readonly value: string }
    | { readonly case: undefined; readonly value?: undefined }
}

/** Registers gRPC's server reflection, versions v1 and v1alpha. */
export function reflectionRoutes(router: ConnectRouter, files: ReflectedFiles): void {
  async function* answers<Request extends Question>(requests: AsyncIterable<Request>) {
    for await (const request of requests) {
      yield { validHost: request.host, originalRequest: request, messageResponse: answer(request, files) }
    }
  }
  router.service(ServerReflection, { serverReflectionInfo: requests => answers(requests) })
  router.service(ServerReflectionV1alpha, { serverReflectionInfo: requests => answers(requests) })
}

function answer({ messageRequest: question }: Question, files: ReflectedFiles): Answer {
  switch (question.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: files.services.map(name => ({ name })) } }
    case 'fileByFilename':
      return described(files.byName(question.value), `File not found: ${question.value}`)
    case 'fileContainingSymbol':
      return described(files.bySymbol(question.value), `Symbol not found: ${question.value}`)
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = question.value
      const file = files.byExtension(containingType, extensionNumber)
      return described(file, `Extension not found: ${containingType} ${extensionNumber}`)
    }
    case 'allExtensionNumbersOfType': {
      const numbers = files.extensionNumbers(question.value)
      if (!numbers) return missing(`Type not found: ${question.value}`)
      return { case: 'allExtensionNumbersResponse', value: { baseTypeName: question.value, extensionNumber: numbers } }
    }
    default:
      return {
        case: 'errorResponse',
        value: { errorCode: Code.InvalidArgument, errorMessage: 'The request asks for nothing that this server knows' },
      }
  }
}

function described(fileDescriptorProto: Uint8Array[] | undefined, otherwise: string): Answer {
  return fileDescriptorProto ? { case: 'fileDescriptorResponse', value: { fileDescriptorProto } } : missing(otherwise)
}

function missing(errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode: Code.NotFound, errorMessage } }
}
