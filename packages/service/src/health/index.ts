export { type Health, type HealthProgram, healthCommand, type Probed, probeHealth } from './health.ts'
