/** What a poll costs the machine which makes it, when there is nothing to do. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { contest, type Standing } from '../push/rounds.ts'
import { enrolled, TOKEN, VO } from './agents.ts'
import { cpuOf, memoryOf, servePulley } from './server.ts'

export interface Idle {
  /** A process for each poll, beside Node itself. */
  readonly standings: readonly Standing[]
  /** One which stays: bytes in memory, and seconds of CPU for a poll with all that follows. */
  readonly resident: { readonly memory: number; readonly cpuPerPoll: number }
}

/** `agents`: files to start the agent from, by name. */
export const idle = async (
  entry: string,
  agents: Readonly<Record<string, string>>,
  { rounds, say }: { readonly rounds: number; readonly say: (text: string) => void },
): Promise<Idle> => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-bench-'))
  await using server = await servePulley(entry, async data => void (await enrolled(data, 0)), ['--interval', '1'])
  const state = join(folder.path, 'state')
  const token = join(folder.path, 'token')
  await writeFile(token, TOKEN)
  const enrol = ['enrol', '--server', `http://127.0.0.1:${server.port}`, '--vo', VO, '--token-file', token]
  const enrolling = spawn(process.execPath, [entry, ...enrol, '--state', state], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if ((await once(enrolling, 'exit'))[0] !== 0) throw new Error('the agent could not be enrolled')
  const program = (...argv: string[]) => ({ argv: [process.execPath, ...argv] as const, lines: 0 })
  const standings = await contest(
    [
      { name: 'node -e 0', program: program('-e', '0') },
      ...Object.entries(agents).map(([name, file]) => ({
        ...{ name, program: program(file, 'agent', '--once', '--state', state) },
      })),
    ],
    { rounds, memory: true, say: text => say(`an agent with nothing to do: ${text}`) },
  )
  say('a resident agent with nothing to do')
  const [, file = entry] = Object.entries(agents)[0] ?? []
  const resident = spawn(process.execPath, [file, 'agent', '--state', state], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const pid = resident.pid ?? 0
  const [settle, watched] = [8000, 20]
  await setTimeout(settle)
  const before = await cpuOf(pid)
  await setTimeout(watched * 1000)
  const cpuPerPoll = ((await cpuOf(pid)) - before) / watched
  const { now: memory } = await memoryOf(pid)
  resident.kill('SIGTERM')
  await once(resident, 'exit')
  return { standings, resident: { memory, cpuPerPoll } }
}
