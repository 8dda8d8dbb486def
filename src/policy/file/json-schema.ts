/** The JSON Schema of policy files, for editors: made of what the files are parsed with. */
import * as z from 'zod'
import type { Convergent } from '../../converge/convergent.ts'
import { policyShape, resourceShape } from './shape.ts'

/** As much of JSON Schema (draft 7) as is looked into here. */
export interface JsonSchema {
  readonly type?: string | readonly string[] | undefined
  readonly description?: string | undefined
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly [key: string]: unknown
}

/** The options of an actor as they are written in a policy, templates left aside; any, where another library than ours parses them. */
export const optionsSchema = ({ schema }: Pick<Convergent<unknown>, 'schema'>): JsonSchema =>
  schema instanceof z.ZodType ? made(schema) : { type: 'object' }

/** The parts of a policy file: the file itself, and what stands beside an actor's name in a resource. */
export const policySchemas = (): { readonly policy: JsonSchema; readonly resource: JsonSchema } => ({
  policy: made(policyShape),
  resource: made(resourceShape),
})

/** The schema of policy files whose resources are of these actors. */
export const policyJsonSchema = (actors: readonly Convergent<unknown>[]): JsonSchema => {
  const { policy, resource } = policySchemas()
  const options = Object.fromEntries(
    actors.map(actor => {
      const own = optionsSchema(actor)
      // Without options an actor may stand alone: `reboot-required:`.
      const type = own.required?.length ? own.type : ['object', 'null']
      return [actor.name, { ...withTemplates(own), type, description: actor.summary }]
    }),
  )
  const one = {
    type: 'object',
    properties: { ...resource.properties, ...options },
    additionalProperties: false,
    oneOf: actors.map(({ name }) => ({ required: [name] })),
  }
  const flush = { const: 'flush', description: 'runs what has been notified so far' }
  const { resources } = policy.properties ?? {}
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A policy of stoker',
    ...policy,
    properties: {
      ...policy.properties,
      resources: { description: resources?.description, type: ['array', 'null'], items: { anyOf: [flush, one] } },
    },
    definitions: { template: { type: 'string', pattern: '\\{\\{', description: 'a template: {{node.name}}' } },
  }
}

const made = (schema: z.ZodType): JsonSchema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' })
  return rest as JsonSchema
}

/** A value may also be a template, wherever not any text will do. */
const withTemplates = (schema: JsonSchema): JsonSchema => {
  if (schema.properties) {
    const properties = Object.entries(schema.properties).map(([key, one]) => [key, withTemplates(one)])
    return { ...schema, properties: Object.fromEntries(properties) }
  }
  const { description, default: usual, ...rest } = schema
  if (rest.type === 'string' && Object.keys(rest).length === 1) return schema
  const inner = rest.items ? { ...rest, items: withTemplates(rest.items) } : rest
  const all = inner.anyOf ?? [inner]
  return {
    ...(description !== undefined && { description }),
    ...(usual !== undefined && { default: usual }),
    anyOf: [...all, { $ref: '#/definitions/template' }],
  }
}
