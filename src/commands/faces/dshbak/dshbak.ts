/** `stoker dshbak`: lines of pdsh, `host: line`, put together by host as dshbak(1) does it. */
import { createReadStream } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { reason } from '../../../base/errors.ts'
import { standardSinks } from '../../../report/sink.ts'
import { dshbakError } from './errors.ts'
import { byNumber, foldHosts } from './fold-hosts.ts'

export interface DshbakOptions {
  /** `-c`: equal output once. */
  readonly coalesce: boolean
  /** `-d`: a file for each host goes there, instead of all to standard output. */
  readonly folder: string | undefined
  /** `-f`. */
  readonly makesFolder: boolean
  /** Read instead of standard input. */
  readonly files: readonly string[]
}

const RULE = '-'.repeat(16)

/** Reads all of it, then writes; returns the exit code. Throws what dshbak would say. */
export const dshbak = async (options: DshbakOptions): Promise<number> => {
  const { folder, makesFolder, files } = options
  if (folder !== undefined) await openFolder(folder, makesFolder)
  const byHost = await linesByHost(files)
  if (folder !== undefined) {
    for (const [host, lines] of byHost) await writeHost(folder, host, lines)
    return 0
  }
  const { stdout } = standardSinks()
  for (const [hosts, lines] of options.coalesce ? coalesced(byHost) : inTurn(byHost))
    await stdout.write(Buffer.from(`${RULE}\n${hosts}\n${RULE}\n${lines}`, 'latin1'))
  await stdout.flush()
  return 0
}

/** The output of each host: bytes, one in each character. */
type Outputs = ReadonlyMap<string, string>

const inTurn = (byHost: Outputs): readonly (readonly [string, string])[] =>
  byNumber(byHost.keys()).map(host => [host, byHost.get(host) ?? ''])

/** Each output at the place of the first host which has it. */
const coalesced = (byHost: Outputs): readonly (readonly [string, string])[] => {
  const hostsOf = new Map<string, string[]>()
  for (const host of byNumber(byHost.keys())) {
    const lines = byHost.get(host) ?? ''
    hostsOf.set(lines, [...(hostsOf.get(lines) ?? []), host])
  }
  return [...hostsOf].map(([lines, hosts]) => [foldHosts(hosts), lines])
}

/** `host: line`, where blanks around the name do not count; other lines are nobody's. */
const LINE = /^\s*([^\s]+?)\s*: ?(.*)$/s

const linesByHost = async (files: readonly string[]): Promise<Outputs> => {
  const byHost = new Map<string, string[]>()
  const inputs = files.length === 0 ? [process.stdin] : files.map(file => createReadStream(file))
  for (const [i, input] of inputs.entries()) {
    const chunks = await Array.fromAsync(input as AsyncIterable<Uint8Array>).catch(cause => {
      throw dshbakError('CONFIG', `dshbak: Can't open ${files[i]}: ${reason(cause)}`, cause)
    })
    for (const line of Buffer.concat(chunks).toString('latin1').split('\n')) {
      const [, host, text] = LINE.exec(line) ?? []
      if (host === undefined || text === undefined) continue
      const lines = byHost.get(host)
      if (lines) lines.push(`${text}\n`)
      else byHost.set(host, [`${text}\n`])
    }
  }
  return new Map([...byHost].map(([host, lines]) => [host, lines.join('')]))
}

const openFolder = async (folder: string, makes: boolean): Promise<void> => {
  if (makes)
    await mkdir(folder, { recursive: true }).catch(cause => {
      throw dshbakError('CONFIG', `dshbak: Fatal: Failed to create ${folder}: ${reason(cause)}`, cause)
    })
  const found = await stat(folder).catch(() => undefined) // told below
  if (!found?.isDirectory()) throw dshbakError('CONFIG', `dshbak: Fatal: Output directory ${folder} does not exist`)
}

const writeHost = async (folder: string, host: string, lines: string): Promise<void> => {
  const path = join(folder, Buffer.from(host, 'latin1').toString())
  try {
    // A name out of somebody's output must not lead out of the folder.
    if (host.includes('/') || /^\.{1,2}$/.test(host)) throw new Error('it is no name of a host')
    await using file = await open(path, 'w', 0o600)
    await file.writeFile(lines, 'latin1')
  } catch (cause) {
    throw dshbakError('CONFIG', `dshbak: Fatal: Failed to open output file '${path}': ${reason(cause)}`, cause)
  }
}
