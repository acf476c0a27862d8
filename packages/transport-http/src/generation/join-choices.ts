export { joinChoices } from '../output/join-choices.ts'
