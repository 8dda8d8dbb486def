/** The two servers, each a process on a core of its own, with what they cost. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findProgram } from '../../test/fixtures/servers/debian.ts'

/** The core of the servers; the load comes from the other one. */
const SERVER_CORE = '0'
const OWN_CORE = '1'

/** Puts this process on its core. */
export const stayAside = (): void => {
  spawnSync('taskset', ['-a', '-cp', OWN_CORE, `${process.pid}`], { stdio: 'ignore' })
}

export interface Served extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  readonly folder: string
}

/** `pulley serve` on a store which `fill` has prepared. */
export const servePulley = async (
  entry: string,
  fill: (folder: string) => Promise<void>,
  options: readonly string[] = [],
): Promise<Served & { readonly adminPort: number }> => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'stoker-bench-'))).path
  await fill(folder)
  const words = ['serve', '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--data', folder, ...options]
  const child = spawn('taskset', ['-c', SERVER_CORE, process.execPath, entry, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  stack.defer(() => end(child))
  const ports: Record<string, number> = {}
  const lines = createInterface({ input: child.stderr })
  const listening = Promise.withResolvers<void>()
  child.once('exit', code => listening.reject(new Error(`pulley serve has ended with ${code}`)))
  lines.on('line', line => {
    for (const [, who = '', port] of line.matchAll(/"(agents|admins)":"http:\/\/127\.0\.0\.1:(\d+)"/g))
      ports[who] = Number(port)
    if (ports.admins !== undefined) listening.resolve()
  })
  await listening.promise
  const running = stack.move()
  const { agents: port = 0, admins: adminPort = 0 } = ports
  return { pid: child.pid ?? 0, port, adminPort, folder, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** nginx with one worker and one file, without an access log. */
export const serveNginx = async (): Promise<Served> => {
  const program = findProgram('nginx')
  if (program === undefined) throw new Error('there is no nginx here: Debian has it in nginx-light')
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'stoker-bench-'))).path
  const port = 20_000 + (process.pid % 10_000)
  await writeFile(join(folder, 'poll'), '{}\n', { mode: 0o644 })
  await writeFile(join(folder, 'nginx.conf'), nginxConf(folder, port))
  const child = spawn('taskset', ['-c', SERVER_CORE, program, '-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  stack.defer(() => end(child))
  await answers(port, child)
  const running = stack.move()
  return { pid: child.pid ?? 0, port, folder, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

const nginxConf = (folder: string, port: number): string => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  default_type application/json;
  server { listen 127.0.0.1:${port}; location = /v1/poll { alias ${folder}/poll; } }
}
`

const answers = async (port: number, child: ChildProcess): Promise<void> => {
  while (child.exitCode === null) {
    const there = await fetch(`http://127.0.0.1:${port}/v1/poll`).then(
      ({ ok }) => ok,
      () => false, // not yet
    )
    if (there) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error(`nginx has ended with ${child.exitCode}`)
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** Seconds of CPU that a process has used, its threads included. */
export const cpuOf = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Clock ticks a second, as Linux tells them to programs. */
const TICKS = 100

/** Bytes in memory: now, and at the most so far. */
export const memoryOf = async (pid: number): Promise<{ readonly now: number; readonly peak: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return { now: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 }
}
