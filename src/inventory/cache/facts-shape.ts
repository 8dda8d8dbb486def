/** Whether a value out of a file is what a warehouse may say. Not by a schema: ten thousand nodes are read before a run begins. Pure. */
import { isNodeName, type NodeName } from '../../base/names.ts'
import type { NetworkFacts, NodeFacts, NodeRecord } from '../warehouse.ts'

/** What is known of a node, and nothing else: fit to be acted on. */
export const isFacts = (value: unknown): value is NodeFacts => isShaped(value, FACTS, 'name')

/** The facts of a node: any text may be in it, as it may in the source. */
export const isRecord = (value: unknown): value is NodeRecord => isShaped(value, RECORD, 'name')

/** The facts of a network. */
export const isNetwork = (value: unknown): value is NetworkFacts => isShaped(value, NETWORK, 'name', 'address')

type Shape = Readonly<Record<string, (value: unknown) => boolean>>

/** Whether it has keys of this shape only, these among them, each with a value which fits. */
const isShaped = (value: unknown, shape: Shape, ...needed: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  needed.every(key => Object.hasOwn(value, key)) &&
  Object.entries(value).every(([key, one]) => Object.hasOwn(shape, key) && shape[key]?.(one) === true)

const isText = (value: unknown): value is string => typeof value === 'string'
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const isName = (value: unknown): value is NodeName => isText(value) && isNodeName(value)
const isNames = (value: unknown): boolean => Array.isArray(value) && value.every(isName)
const isNumber = (value: unknown): boolean => Number.isFinite(value)
const isBoot = (value: unknown): boolean => isShaped(value, { file: isText, nextServer: isText })
const isStatements = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(one => isText(one) || isShaped(one, { text: isText, id: isText, problem: isText }, 'text', 'id'))

/** Whether it can be written: a date becomes text, which is as good; everything else stays what it is. */
const isJson = (value: unknown): boolean => {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return !['bigint', 'function', 'symbol'].includes(typeof value)
  if (value instanceof Date) return !Number.isNaN(value.getTime())
  const isPlain = Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value))
  return isPlain && Object.values(value).every(isJson)
}

// Who writes a file looks at each key of a type: one which is new there has to be here as well.
const RECORD: Readonly<Record<keyof NodeRecord, (value: unknown) => boolean>> = {
  ...{ name: isText, id: isText, aliases: isTexts, addresses: isTexts, port: isNumber, user: isText, macs: isTexts },
  ...{
    duids: isTexts,
    boot: isBoot,
    hostKeys: isTexts,
    dhcpOptions: isStatements,
    problem: isText,
    furtherIds: isTexts,
  },
  vars: value => typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value),
}

const { problem: _problem, furtherIds: _ids, ...SAID } = RECORD

const FACTS: Readonly<Record<keyof NodeFacts, (value: unknown) => boolean>> = {
  ...SAID,
  name: isName,
  aliases: isNames,
  addresses: isNames,
  port: value => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535,
  // The login program gets it as a word.
  user: value => isText(value) && /^[^\s\p{C}-][^\s\p{C}]*$/u.test(value),
  macs: value => Array.isArray(value) && value.every(one => isText(one) && /^[\da-f:.-]{11,17}$/i.test(one)),
}

const NETWORK: Readonly<Record<keyof NetworkFacts, (value: unknown) => boolean>> = {
  ...{
    name: isText,
    address: isText,
    id: isText,
    furtherIds: isTexts,
    routers: isTexts,
    dns: isTexts,
    domain: isText,
    ranges: isTexts,
  },
  ...{ leaseTime: isNumber, boot: isBoot, shared: isText, options: isStatements },
}
