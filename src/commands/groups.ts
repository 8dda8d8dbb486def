/** `stoker groups`: what groups there are, and who says so. */
import { StokerError } from '../errors.ts'
import { standardSinks } from '../report/sink.ts'
import { wire } from '../wire.ts'

/** Prints `@warehouse:group`, one a line; returns the exit code. */
export const groups = async (flags: { readonly config?: string; readonly json?: boolean }): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const io = { signal: stdout.gone }
  const say = (notice: string) => void stderr.write(`stoker: ${notice}\n`)
  await using site = await wire(flags, say, io)
  const able = site.warehouses.filter(warehouse => warehouse.groups)
  if (able.length === 0)
    throw new StokerError(
      'WAREHOUSE_FAILED',
      'groups',
      `no warehouse can list groups (asked: ${site.warehouses.map(one => one.name).join(', ')})`,
    )
  for (const warehouse of able) {
    const names = await Array.fromAsync(warehouse.groups?.(io) ?? [])
    const text = names.sort().map(group => {
      return flags.json ? `${JSON.stringify({ warehouse: warehouse.name, group })}\n` : `@${warehouse.name}:${group}\n`
    })
    await stdout.write(text.join(''))
  }
  await stdout.flush()
  return 0
}
