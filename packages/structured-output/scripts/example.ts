import { seededRandom } from '@vllm-sim/latency'
import { compileConstraint, requestBudget, StructureError } from '@vllm-sim/structured-output'

const schema = {
  type: 'object',
  properties: { city: { enum: ['Rome'] }, degrees: { type: 'integer', minimum: 20, maximum: 20 } },
  required: ['city', 'degrees'],
}
const texts = compileConstraint({ kind: 'json', schema }, {}, requestBudget())
console.log(`${texts.generate(seededRandom(42))}`) // {"city":"Rome","degrees":20}

const long = { type: 'array', minItems: 999, items: { type: 'string', minLength: 100_000 } }
const text = compileConstraint({ kind: 'json', schema: long }).known
console.log(text.length > 99_000_000) // true
const pieces = text.pieces()
console.log(pieces.next().value) // [

try {
  compileConstraint({ kind: 'regex', pattern: '((a{1000}){1000}){1000}' })
} catch (error) {
  console.log(error instanceof StructureError) // true
}
