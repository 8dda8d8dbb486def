/** Routes which say what they are: the same words and shapes check a request and describe it (OpenAPI 3.1). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { VERSION } from '../../../base/version.ts'
import { refusal } from '../../protocol/messages.ts'
import { bodyOf } from '../context.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** Who may ask: `newcomer`, `node`, `vo` and `operator` sign, `session` shows one, `anyone` does neither. */
export type Who = 'anyone' | 'newcomer' | 'node' | 'session' | 'vo' | 'operator'

export interface Route<B extends z.ZodType> {
  readonly summary: string
  readonly who: Who
  /** What may stand behind the question mark, each a text which this makes something of. */
  readonly query?: z.ZodObject
  /** The shape of the body; absent: there is none, or bytes. */
  readonly body?: B
  /** Bytes, where a route takes more or less than others. */
  readonly bodyLimit?: number
  /** `body` checks the body when it is called, which is after it is known who asks. */
  handle(request: FastifyRequest, body: () => z.output<B>, reply: FastifyReply): Promise<unknown>
}

/** The routes of one application. */
export class Api {
  readonly #app: FastifyInstance
  readonly #paths: Record<string, Record<string, object>> = {}

  constructor(app: FastifyInstance) {
    this.#app = app
  }

  add<B extends z.ZodType>(method: Method, url: string, route: Route<B>): void {
    const { summary, who, query, body, bodyLimit, handle } = route
    this.#app.route({
      method: method.toUpperCase(),
      url,
      ...(bodyLimit !== undefined && { bodyLimit }),
      config: { who, takesBody: method !== 'get' },
      handler: (request, reply) => handle(request, () => bodyOf(request, body as B), reply),
    })
    const path = url.replaceAll(/:(\w+)/g, '{$1}')
    const inPath = [...url.matchAll(/:(\w+)/g)].map(([, name]) => ({
      ...{ name, in: 'path', required: true, schema: { type: 'string' } },
    }))
    const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
      ...{ name, in: 'query', required: false, schema: schemaOf(schema as z.ZodType) },
    }))
    const parameters = [...inPath, ...inQuery]
    this.#paths[path] = {
      ...this.#paths[path],
      [method]: {
        summary,
        ...(parameters.length > 0 && { parameters }),
        security: SECURITY[who],
        ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }),
        responses: {
          '200': { description: 'As asked.' },
          default: { description: 'Refused.', content: { 'application/json': { schema: schemaOf(refusal) } } },
        },
      },
    }
  }

  /** The description of all that was added. */
  describe(title: string): object {
    return {
      openapi: '3.1.0',
      info: { title, version: VERSION },
      paths: this.#paths,
      components: {
        securitySchemes: {
          signature: {
            ...{ type: 'apiKey', in: 'header', name: 'signature' },
            description: 'HTTP Message Signatures (RFC 9421) over @method, @path, @query and content-digest, ed25519.',
          },
          session: { type: 'http', scheme: 'bearer' },
        },
      },
    }
  }
}

const SIGNED = [{ signature: [] }]
const SECURITY = {
  anyone: [],
  session: [{ session: [] }],
  newcomer: SIGNED,
  node: SIGNED,
  vo: SIGNED,
  operator: SIGNED,
}

const schemaOf = (schema: z.ZodType): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}
