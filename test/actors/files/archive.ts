import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { archive } from '../../../actors/files/archive.ts'
import { formatOf } from '../../../actors/files/unpack.ts'
import {
  type ConvergentCase,
  convergentContract,
  localHost,
  runOn,
  sshHosts,
} from '../../fixtures/contracts/convergent.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox.ts'
import { without } from '../../fixtures/servers/debian.ts'

const ODD = `it's $(x) "ü"`
const PACK = {
  'app.tar': 'tar -cf',
  'app.tgz': 'tar -czf',
  'app.tar.xz': 'tar -cJf',
  'app.tar.zst': 'tar --zstd -cf',
  'app.tar.bz2': 'tar -cjf',
  'app.zip': 'zip -qry',
} as const

/** One tree as archives of every kind. */
const makeArchives = async (t: Test): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'stoker-archive-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const app = join(folder, 'app-1.2')
  await mkdir(join(app, 'bin'), { recursive: true })
  await mkdir(join(app, '.hidden'))
  await writeFile(join(app, 'bin', 'run'), '#!/bin/sh\n', { mode: 0o755 })
  await writeFile(join(app, ODD), 'a\0b\n')
  await writeFile(join(app, '.stoker-archive'), 'forged\n')
  await symlink('bin/run', join(app, 'link'))
  for (const [name, pack] of Object.entries(PACK))
    execFileSync('sh', ['-c', `${pack} ${name} app-1.2`], { cwd: folder })
  return folder
}

t.test('the name tells the kind', async t => {
  for (const [name, format] of [
    ['a.tar.gz', 'tar.gz'],
    ['/x.y/a-1.2.TGZ', 'tar.gz'],
    ['https://x/a.tar.zst?x=.zip#y', 'tar.zst'],
    ['a.tbz2', 'tar.bz2'],
    ['a.txz', 'tar.xz'],
    ['a.zip', 'zip'],
    ['a.tar', 'tar'],
    ['a.gz', undefined],
    ['tar', undefined],
    ['a', undefined],
  ] as const)
    t.equal(formatOf(name), format, name)
})

t.test('wrong options are named', async t => {
  const sha256 = 'a'.repeat(64)
  for (const [options, message] of [
    [{ dest: '/x' }, /option "source": is missing; or give a url$/],
    [{ dest: '/', source: 'a.zip' }, /option "dest"/],
    [{ dest: 'x', source: 'a.zip' }, /option "dest"/],
    [{ dest: '/x', source: 'a.zip', url: 'https://x/a.zip', sha256 }, /option "url": cannot stand/],
    [{ dest: '/x', source: 'a.rar' }, /option "format": its name does not tell .*"a\.rar".*tar\.gz/],
    [{ dest: '/x', url: 'https://x/a.zip' }, /option "sha256": is missing/],
    [{ dest: '/x', url: 'https://x/a.zip', sha256: 'abc' }, /option "sha256": expected 64 hexadecimal digits/],
    [{ dest: '/x', url: 'file:///etc/passwd', sha256 }, /option "url": expected a URL/],
    [{ dest: '/x', url: 'https://u:p@x/a.zip', sha256 }, /option "url": a password in a URL/],
    [{ dest: '/x', source: 'a.zip', strip: '-1' }, /option "strip"/],
    [{ dest: '/x', source: 'a.zip', owner: '-R' }, /option "owner"/],
  ] as const)
    t.throws(() => archive.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
  t.doesNotThrow(() => archive.parse({ dest: '/x', state: 'absent' }))
})

t.test('archives', async t => {
  const packages = { zip: 'zip', unzip: 'unzip', zstd: 'zstd', xz: 'xz-utils', bzip2: 'bzip2' } as const
  const missing = Object.entries(packages)
    .map(([program, name]) => without(program, name))
    .find(reason => reason !== false)
  if (missing) return t.plan(0, missing)
  const sources = await makeArchives(t)
  const host = localHost(t)

  const cases: readonly ConvergentCase[] = [
    ...Object.keys(PACK).map(name => ({
      title: name,
      options: ({ folder }: { folder: string }) => ({
        dest: `${folder}/new/${ODD}`,
        source: `${sources}/${name}`,
        strip: '1',
      }),
      after: async (t: Test, { folder }: { folder: string }) => {
        const dest = `${folder}/new/${ODD}`
        t.equal(await readFile(`${dest}/${ODD}`, 'utf8'), 'a\0b\n')
        t.equal((await stat(`${dest}/bin/run`)).mode & 0o777, 0o755)
        t.equal((await stat(dest)).mode & 0o777, 0o755)
        t.equal(
          execFileSync('sh', ['-c', 'ls -A; readlink link', 'sh'], { cwd: dest, encoding: 'utf8' }),
          `.hidden\n.stoker-archive\nbin\n${ODD}\nlink\nbin/run\n`,
        )
        t.equal(execFileSync('ls', ['-A', join(dest, '..')], { encoding: 'utf8' }), `${ODD}\n`, 'nothing lies around')
      },
      reverse: ({ folder }: { folder: string }) => ({ dest: `${folder}/new/${ODD}`, state: 'absent' }),
      reversed: async (t: Test, { folder }: { folder: string }) =>
        t.equal(execFileSync('ls', ['-A', `${folder}/new`], { encoding: 'utf8' }), ''),
    })),
    {
      title: 'another version replaces the whole folder, which keeps its owner and mode',
      before: async ({ folder, host, sh }) => {
        await runOn(archive, { dest: `${folder}/app`, source: `${sources}/app.tar` }, host)
        await sh(`touch ${folder}/app/old; chmod 750 ${folder}/app; ln -s app ${folder}/current`)
      },
      options: ({ folder }) => ({ dest: `${folder}/current`, source: `${sources}/app.tgz` }),
      after: async (t, { folder, sh }) => {
        t.equal(await sh(`ls -A ${folder}/app`), '.stoker-archive\napp-1.2\n')
        t.equal(await sh(`ls -A ${folder}; stat -c %a ${folder}/app`), 'app\ncurrent\n750\n')
      },
    },
  ]
  await convergentContract(t, archive, cases, [host, ...(await busyboxHosts(t, ['zstd']))])
  await convergentContract(t, archive, cases.slice(-2), await sshHosts(t))

  const dest = async () => `${await host.folder()}/app`

  await t.test('what is in the way stays there, and that is told', async t => {
    const folder = await dest()
    await mkdir(folder)
    await runOn(archive, { dest: folder, source: `${sources}/app.tar` }, host)
    t.equal(await readFile(`${folder}/app-1.2/bin/run`, 'utf8'), '#!/bin/sh\n', 'an empty folder is taken')
    await rm(`${folder}/.stoker-archive`)
    for (const state of ['present', 'absent'])
      t.match((await runOn(archive, { dest: folder, source: `${sources}/app.tar`, state }, host)).outcome, {
        kind: 'failed',
        error: { message: /it holds things which this actor did not put there/ },
      })
    await rm(folder, { recursive: true })
    await writeFile(folder, '')
    t.match((await runOn(archive, { dest: folder, source: `${sources}/app.tar` }, host)).outcome, {
      kind: 'failed',
      error: { message: /it is no folder/ },
    })
  })

  await t.test('what it creates is enough, wherever it came from', async t => {
    const folder = await dest()
    await mkdir(folder)
    await writeFile(`${folder}/run`, '')
    for (const creates of ['run', `${folder}/run`])
      t.match((await runOn(archive, { dest: folder, source: `${sources}/app.tar`, creates }, host)).outcome, {
        kind: 'ok',
        changed: false,
      })
    t.match((await runOn(archive, { dest: folder, source: `${sources}/app.tar`, creates: 'walk' }, host)).outcome, {
      kind: 'failed',
    })
  })

  await t.test('owner and group are those which were asked for', async t => {
    if (process.getuid?.() !== 0) return t.plan(0, 'needs root')
    const folder = await dest()
    const options = { dest: folder, source: `${sources}/app.tar`, owner: '12345', group: '12346' }
    await runOn(archive, options, host)
    t.equal(
      execFileSync('sh', ['-c', `find ${folder} -printf '%U %G\n' | sort -u`], { encoding: 'utf8' }),
      '12345 12346\n',
    )
    t.match((await runOn(archive, options, host)).outcome, { changed: false })
    t.match((await runOn(archive, { ...options, owner: '1' }, host)).outcome, { changed: true })
  })

  await t.test('too much stripped, a broken archive, a wrong checksum: told, and nothing lies around', async t => {
    const folder = await host.folder()
    await writeFile(`${sources}/broken.tar.gz`, (await readFile(`${sources}/app.tgz`)).subarray(0, 100))
    await writeFile(`${sources}/flat.tar`, execFileSync('tar', ['-c', '-C', `${sources}/app-1.2`, ODD]))
    for (const [options, message] of [
      [{ source: 'flat.tar', strip: 1 }, /strip=1 leaves nothing of the archive/],
      [{ source: 'broken.tar.gz' }, /unpack "broken.tar.gz" \(sha256 [0-9a-f]{12}\): .*(gzip|tar)/],
      [{ source: 'app.zip', format: 'tar.xz' }, /unpack/],
    ] as const) {
      const { outcome } = await runOn(
        archive,
        { ...options, dest: `${folder}/app`, source: `${sources}/${options.source}` },
        host,
      )
      t.match(outcome, { kind: 'failed', error: { message } })
      t.equal(execFileSync('ls', ['-A', folder], { encoding: 'utf8' }), '')
    }
    const wrong = runOn(archive, { dest: `${folder}/app`, source: `${sources}/app.tar`, sha256: 'a'.repeat(64) }, host)
    await t.rejects(wrong, { code: 'CONFIG', message: /has the checksum [0-9a-f]{64}, not aaaa/ })
    await t.rejects(runOn(archive, { dest: `${folder}/app`, source: `${sources}/none.tar` }, host), {
      code: 'CONFIG',
      message: /none\.tar/,
    })
  })

  await t.test('from a URL, by curl and by wget', async t => {
    const bytes = await readFile(`${sources}/app.tgz`)
    const server = createServer((request, response) => {
      if (request.url === '/moved/app.tgz') response.writeHead(302, { location: '/app.tgz' }).end()
      else if (request.url?.startsWith('/app.tgz')) response.end(bytes)
      else response.writeHead(404).end('no')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const [busybox] = await busyboxHosts(t)
    for (const one of [host, ...(busybox ? [busybox] : [])]) {
      const folder = await one.folder()
      const options = {
        dest: `${folder}/app`,
        url: `${base}/moved/app.tgz?x=[1-3]&y='$(x)`,
        sha256: sha256.toUpperCase(),
        strip: 1,
      }
      t.match(await runOn(archive, { ...options, url: `${base}/moved/app.tgz` }, one), {
        outcome: { kind: 'ok', changed: true },
        stdout: /unpack "app.tgz" \(sha256/,
      })
      t.match(
        (await runOn(archive, { ...options, url: `${base}/app.tgz?x=[1-3]&y='$(x)` }, one)).outcome,
        { changed: false },
        'the checksum counts, not the URL',
      )
      await rm(`${folder}/app`, { recursive: true })
      t.match((await runOn(archive, { ...options, url: `${base}/app.tgz?x=[1-3]&y='$(x)` }, one)).outcome, {
        changed: true,
      })
      const gone = await runOn(archive, { ...options, dest: `${folder}/other`, url: `${base}/none.tgz` }, one)
      t.match(gone.outcome, { kind: 'failed', error: { message: one === host ? /404/ : /wget/ } })
      const other = await runOn(
        archive,
        { ...options, dest: `${folder}/other`, sha256: 'a'.repeat(64), url: `${base}/app.tgz` },
        one,
      )
      t.match(other.outcome, { kind: 'failed', error: { message: new RegExp(`has the sha256 ${sha256}, not aaaa`) } })
      t.equal(execFileSync('ls', ['-A', folder], { encoding: 'utf8' }), 'app\n')
    }
  })

  await t.test('what was left by somebody who was killed is cleared away', async t => {
    const folder = await host.folder()
    await mkdir(`${folder}/.stoker-archive.app/new/half`, { recursive: true })
    await runOn(archive, { dest: `${folder}/app`, source: `${sources}/app.tar` }, host)
    t.equal(execFileSync('ls', ['-A', folder], { encoding: 'utf8' }), 'app\n')
  })

  await t.test('even where all else is done', async t => {
    const folder = await host.folder()
    for (const state of ['present', 'absent']) {
      const options = { dest: `${folder}/app`, source: `${sources}/app.tar`, state }
      await runOn(archive, options, host)
      await mkdir(`${folder}/.stoker-archive.app/old/half`, { recursive: true })
      t.match((await runOn(archive, options, host)).stdout, /clear away what an interrupted run left/)
      t.match((await runOn(archive, options, host)).outcome, { kind: 'ok', changed: false })
    }
    t.equal(execFileSync('ls', ['-A', folder], { encoding: 'utf8' }), '')
  })

  await t.test('50 MB arrive', async t => {
    const folder = await host.folder()
    const big = randomBytes(50 * 1024 * 1024)
    await writeFile(`${sources}/big`, big)
    execFileSync('tar', ['-cf', `${sources}/big.tar`, '-C', sources, 'big'])
    await runOn(archive, { dest: `${folder}/app`, source: `${sources}/big.tar` }, host)
    t.equal(Buffer.compare(await readFile(`${folder}/app/big`), big), 0)
  })
})
