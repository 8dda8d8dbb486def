/** A planned resource as people read it. Pure. */
import type { PlannedResource } from './preview.ts'

/** A line for the resource, and one or more for each option; ends with a line feed. */
export const formatPlan = ({ resource, actor, options, texts, when, calledBy }: PlannedResource): string => {
  const called = calledBy ? ` when changed: ${calledBy.join(', ')}` : ''
  const condition = when === undefined ? '' : ` where ${when}`
  const lines = [
    ...Object.entries(options).map(([key, value]) => field(key, value)),
    ...Object.entries(texts).map(([name, text]) => field(`template ${name}`, text)),
  ]
  const kind = resource === actor || resource.startsWith(`${actor} `) ? '' : ` (${actor})`
  return `${resource}${kind}${condition}${called}\n${lines.join('')}`
}

/** A long text stands below its key. */
const field = (key: string, value: unknown): string => {
  if (typeof value !== 'string') return `    ${key}: ${JSON.stringify(value)}\n`
  if (!value.includes('\n')) return `    ${key}: ${value}\n`
  const lines = value.replace(/\n$/, '').split('\n')
  return `    ${key}:\n${lines.map(line => `      | ${line}\n`).join('')}`
}
