/** The nodes of a VO: who has enrolled with its pulley server, by name, and by role. */
import * as z from 'zod'
import { sharedWork } from '../src/base/abortable.ts'
import { toStokerError } from '../src/base/errors.ts'
import { homeFolder } from '../src/base/folders.ts'
import { resolvePath } from '../src/config/resolve-path.ts'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import type { Warehouse, WarehouseFactory } from '../src/inventory/warehouse.ts'
import { administer, keysFolder } from '../src/pulley/client/admin.ts'
import { type Roster, rosterWarehouse } from '../src/pulley/client/roster.ts'

const options = mapping({
  vo: text.describe('the virtual organisation'),
  keys: text
    .optional()
    .describe('folder with its key and the place of its server; default $PULLEY_KEYS, or ~/.config/pulley'),
  key: text.optional().describe('its private key, when it is elsewhere'),
})

/** What the server says of a node, as far as it is used here. */
const nodesAnswer = z.array(
  z.looseObject({
    id: z.string(),
    name: z.string(),
    roles: z.array(z.string()),
    addresses: z.array(z.string()),
    revoked: z.number().optional(),
    fingerprint: z.looseObject({ macs: z.array(z.string()) }),
    serial: z.number(),
    lastContact: z.number().optional(),
    version: z.string(),
  }),
)
type Node = z.output<typeof nodesAnswer>[number]

const tokensAnswer = z.array(z.looseObject({ roles: z.array(z.string()) }))

/** Asks the server once; roles are groups, and `@all` is everybody. Nodes which are out are not there. */
export const pulley: WarehouseFactory = (given, { name, folder }) => {
  const { vo, keys, key } = parseOptions(options, given)
  const path = (text: string) => resolvePath(text, folder, homeFolder())
  const where = keysFolder(keys === undefined ? undefined : path(keys), process.env)
  const roster = sharedWork(async io => {
    try {
      await using server = await administer(vo, where, key === undefined ? undefined : path(key))
      const all = nodesAnswer.parse(await server.json('GET', '/nodes', undefined, io))
      const tokens = tokensAnswer.parse(await server.json('GET', '/tokens', undefined, io))
      const nodes = all.filter(node => !node.revoked).map(node => ({ ...node, macs: node.fingerprint.macs }))
      return { nodes, roles: tokens.flatMap(token => token.roles) }
    } catch (thrown) {
      throw toStokerError(thrown, name, 'WAREHOUSE_FAILED')
    }
  })
  return rosterFor(name, roster)
}

type Ask = ReturnType<typeof sharedWork<Roster<Node & { readonly macs: readonly string[] }>>>

const rosterFor = (name: string, ask: Ask): Warehouse => {
  const over = (io: Parameters<Ask>[0]) => rosterWarehouse(name, () => ask(io), varsOf)
  return {
    name,
    members: (group, io) => over(io).members(group, io),
    nodes: (names, io) => over(io).nodes(names, io),
    groups: io => over(io).groups?.(io) ?? none(),
    all: io => over(io).all?.(io) ?? none(),
    async [Symbol.asyncDispose]() {},
  }
}

const varsOf = ({ serial, lastContact, version }: Node) => ({
  bundle: serial,
  lastContact: lastContact ?? null,
  version,
})

async function* none(): AsyncGenerator<never> {}
