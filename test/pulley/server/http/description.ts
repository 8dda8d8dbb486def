/** The description of the API (OpenAPI 3.1): all that is served, in the form which tools read. */
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { bootstrapRoutes } from '../../../../src/pulley/server/bootstrap.ts'
import type { Context } from '../../../../src/pulley/server/context.ts'
import { makeApp } from '../../../../src/pulley/server/http/app.ts'
import { CONNECTION_LIMITS } from '../../../../src/pulley/server/http/listener.ts'
import { adminRoutes } from '../../../../src/pulley/server/routes/admin.ts'
import { agentRoutes } from '../../../../src/pulley/server/routes/agent.ts'
import { startPulley } from '../../../fixtures/program/pulley.ts'

interface Operation {
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: object
  }[]
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<string, { readonly description: string; readonly content?: object }>
  readonly security: readonly Record<string, readonly string[]>[]
}

interface Description {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly securitySchemes: Record<string, { readonly type: string }> }
}

/** What the application really answers, as `GET /path/{name}`. */
const served = (app: FastifyInstance): readonly string[] => {
  const parts: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap(line => {
      const [, indent = '', part = '', methods] = /^([\s│]*)[├└]── (\S*)(?: \((.*)\))?$/.exec(line) ?? []
      if (part === '') return []
      const depth = indent.length / 4
      parts.splice(depth, parts.length, part)
      const path = parts.join('').replaceAll(/:(\w+)/g, '{$1}')
      return (methods?.split(', ') ?? []).map(method => `${method} ${path}`)
    })
}

/** As much of the server as routes take while they are added. */
const unused = { settings: {} } as Context

for (const [what, side, routes] of [
  ['agents', 'agents', [agentRoutes, bootstrapRoutes]],
  ['administrators', 'admins', [adminRoutes]],
] as const)
  t.test(`the description for ${what} has every route which is served, and is well formed`, async t => {
    await using pulley = await startPulley()
    const description = (await (await fetch(`${pulley[side]}/openapi.json`)).json()) as Description
    t.equal(description.openapi, '3.1.0')
    t.match(description.info, { title: /Pulley/, version: /^\d+\.\d+\.\d+/ })
    const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        route: `${method.toUpperCase()} ${path}`,
        path,
        operation,
      })),
    )
    const app = makeApp(unused, {
      title: 'test',
      routes,
      tls: undefined,
      connectionLimits: CONNECTION_LIMITS,
      log: () => {},
    })
    await app.ready()
    const described = operations.map(({ route }) => route)
    const real = served(app)
    await app.close()
    t.strictSame(
      described.filter(route => route !== 'GET /metrics').toSorted(),
      real.toSorted(),
      'what is described is served, and what is served is described',
    )
    for (const { route, path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const parameters = operation.parameters ?? []
      t.strictSame(
        parameters.filter(one => one.in === 'path' && one.required).map(({ name }) => name),
        inPath,
        `${route}: each part of the path`,
      )
      t.ok(
        parameters.every(({ in: place, schema }) => ['path', 'query'].includes(place) && schema),
        route,
      )
      t.ok(operation.summary.length > 5 && operation.responses.default?.description, route)
      t.ok(
        operation.security.every(scheme =>
          Object.keys(scheme).every(name => name in description.components.securitySchemes),
        ),
        `${route}: how it is signed`,
      )
      if (/^GET|^DELETE/.test(route)) t.notOk(operation.requestBody, route)
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        t.ok('type' in schema || 'anyOf' in schema || 'oneOf' in schema, `${route}: the shape of its body`)
    }
    t.match(
      operations
        .find(({ route }) => route === 'GET /v1/poll' || route.endsWith('/reports'))
        ?.operation.parameters?.at(-1),
      { in: 'query', name: /wait|limit/ },
    )
  })
