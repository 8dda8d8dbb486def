import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'
import { findProgram, need, needRoot } from '../../fixtures/servers/debian.ts'

const freePort = async (): Promise<number> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** A running dnsmasq, and the lines of its log. */
const start = (config: string, pidFile: string) => {
  const program = findProgram('dnsmasq') ?? 'dnsmasq'
  const words = ['--keep-in-foreground', '--log-facility=-', '--user=root', `--pid-file=${pidFile}`, '-C', config]
  const child: ChildProcess = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const log = createInterface({ input: child.stderr as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  return {
    child,
    async says(text: string): Promise<void> {
      for (;;) {
        const { value, done } = await log.next()
        if (done) throw new Error(`dnsmasq ended without saying ${text}`)
        if (value.includes(text)) return
      }
    },
    async [Symbol.asyncDispose]() {
      const exit = once(child, 'exit')
      if (child.kill()) await exit
    },
  }
}

t.test('a running dnsmasq knows a new host after a SIGHUP, and is restarted only for its configuration', async t => {
  if (!needRoot(t) || !need(t, 'dnsmasq', 'dnsmasq') || !need(t, 'dig', 'bind9-dnsutils')) return
  const folder = t.testdir()
  const at = (name: string) => join(folder, name)
  const port = await freePort()
  const configure = (more: string) =>
    writeFileSync(
      at('stoker.yaml'),
      `warehouses: [{kind: file, path: nodes.yaml}]
networks: [{name: all, address: 10.0.0.0/24, domain: example.org}]
render:
  dnsmasq:
    {output: ${at('dnsmasq.conf')}, hosts-file: ${at('hosts')}, pid-file: ${at('pid')}, port: ${port},
    listen: 127.0.0.1, bind-interfaces: true, restart: [touch, ${at('restarted')}]${more}}
`,
    )
  const hosts = (count: number) => {
    const lines = Array.from({ length: count }, (_, i) => `  web${i + 1}: {address: 10.0.0.${i + 1}}\n`)
    writeFileSync(at('nodes.yaml'), `nodes:\n${lines.join('')}`)
  }
  const render = () =>
    stoker(['render', 'dnsmasq'], { config: at('stoker.yaml'), env: { XDG_STATE_HOME: at('state') } })
  const dig = (...words: string[]) =>
    execFileSync('dig', ['@127.0.0.1', '-p', String(port), '+short', ...words], { encoding: 'utf8' }).trim()

  configure('')
  hosts(1)
  t.match(await render(), { code: 0, stdout: /hosts: created\n.*dnsmasq\.conf: created\n.*\n.*restart: done\n/ })
  await using dnsmasq = start(at('dnsmasq.conf'), at('pid'))
  await dnsmasq.says(`read ${at('hosts')}`)
  t.equal(dig('web1.example.org'), '10.0.0.1')
  t.equal(dig('web2.example.org'), '')

  hosts(2)
  const more = await render()
  t.match(more, {
    code: 0,
    stdout: /^dnsmasq: .*hosts: written\ndnsmasq: 2 hosts, 1 network\ndnsmasq: reload: done\n$/,
  })
  await dnsmasq.says(`read ${at('hosts')}`)
  t.equal(dig('web2.example.org'), '10.0.0.2')
  t.equal(dig('-x', '10.0.0.2'), 'web2.example.org.')

  writeFileSync(at('restarted'), '')
  configure(', ttl: 60')
  t.match(await render(), { code: 0, stdout: /^dnsmasq: .*dnsmasq\.conf: written\n.*\n.*restart: done\n$/ })
  t.ok(existsSync(at('restarted')))
  t.match(await render(), { code: 0, stdout: /^dnsmasq: nothing to do: .*\n$/ })

  writeFileSync(at('mine.hbs'), 'port=53\nbogus-option\n')
  configure(', template: mine.hbs')
  t.match(await render(), { code: 2, stderr: /this service has several; name them: templates: \{dnsmasq/ })
  configure(', templates: {dnsmasq.conf.hbs: mine.hbs}')
  const good = readFileSync(at('dnsmasq.conf'), 'utf8')
  const refused = await render()
  t.match(refused, {
    code: 1,
    stderr: /dnsmasq refuses it:.*\n.*bad option at line 2 of .*\n.*mine\.hbs:2: bogus-option/,
  })
  t.equal(readFileSync(at('dnsmasq.conf'), 'utf8'), good)
})
