/** The machines of a directory and a database, acted on over real SSH. */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PATIENCE } from '../../fixtures/patience.ts'
import { stoker } from '../../fixtures/program/cli.ts'
import { needMariadb, startMariadb } from '../../fixtures/servers/mariadb.ts'
import { BASE, needSlapd, startSlapd } from '../../fixtures/servers/slapd.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'
import { MACHINE, rfc2307 } from '../../fixtures/sites/ldap-site.ts'
import { at, fill, stokerRows } from '../../fixtures/sites/mysql-site.ts'

const TOGGLE = '#!/bin/sh\n[ "$(cat state 2>/dev/null)" = on ] && echo off > state || echo on > state\n'

t.test(
  'a machine which the database knows under its full name and the directory in a group is acted on once',
  async t => {
    if (!needFleet(t) || !needSlapd(t) || !needMariadb(t)) return
    await using fleet = await startFleet({ count: 3, names: n => `webserver0${n}` })
    const nodes = fleet.targets.map(({ name, address, port, user }) => ({ name, addresses: [address], port, user }))
    await using slapd = await startSlapd({
      ldif: rfc2307({ nodes, groups: { apache: nodes.map(({ name }) => name) } }),
    })
    await using mariadb = await startMariadb()
    await using admin = at(mariadb)
    const full = nodes.map(node => ({ ...node, name: `${node.name}.example.org` }))
    await fill(mariadb, `${admin.ddl?.()}${stokerRows({ nodes: full, groups: { www: full.map(({ name }) => name) } })}`)
    for (const { folder } of fleet.targets) {
      await writeFile(join(folder, 'toggle'), TOGGLE)
      await chmod(join(folder, 'toggle'), 0o755)
    }
    const config = join(fleet.folder, 'two.yaml')
    const { host, port, user, passwordFile, database } = mariadb
    const mysql = {
      kind: 'mysql',
      host,
      port,
      user,
      'password-file': passwordFile,
      database,
      preset: 'stoker',
      deadline: PATIENCE,
    }
    await writeFile(
      config,
      JSON.stringify({
        warehouses: [{ kind: 'ldap', url: slapd.url, base: BASE, attributes: MACHINE, deadline: PATIENCE }, mysql],
        ssh: { 'known-hosts': [fleet.knownHosts], identity: [fleet.identity], config: 'none' },
      }),
    )
    const states = () => Promise.all(fleet.targets.map(({ folder }) => readFile(join(folder, 'state'), 'utf8')))
    const env = { XDG_CACHE_HOME: join(fleet.folder, 'cache') }
    for (const [expression, state] of [
      ['webserver01,@ldap:apache', 'on\n'],
      ['webserver01.example.org,webserver01,@ldap:apache,@mysql:www', 'off\n'],
    ] as const) {
      t.match(await stoker(['run', 'shell', expression, '--', './toggle'], { config, env }), {
        code: 0,
        stderr: /3 targets: 3 ok/,
      })
      t.strictSame(await states(), [state, state, state])
    }
  },
)
