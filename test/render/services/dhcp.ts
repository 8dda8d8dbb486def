import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { optionCode } from '../../../src/render/services/dhcp-codes.ts'
import { parseDhcpOption } from '../../../src/render/dhcp-options.ts'
import { need } from '../../fixtures/debian.ts'
import { askDhcp, joinMachines, needMachines, startMachine } from '../../fixtures/netns.ts'
import { host, network, refusals, rendered, SITE, site } from '../../fixtures/render-site.ts'

const textOf = async (...words: Parameters<typeof rendered>): Promise<string> => (await rendered(...words))[0]?.text ?? ''

const kea = async (...words: Parameters<typeof rendered>) => JSON.parse((await textOf(...words)).replaceAll(/^\s*\/\/.*$/gm, ''))

t.test('dhcpd.conf has a subnet for each network, those on one wire together, and a host for each interface', async t => {
  const text = await textOf('dhcpd')
  t.match(text, /\nsubnet 10\.1\.0\.0 netmask 255\.255\.0\.0 \{\n {2}range 10\.1\.200\.0 10\.1\.200\.99;\n/)
  t.match(text, /\nshared-network "wire 1" \{\n# lab a\nsubnet 10\.2\.16\.0 netmask 255\.255\.240\.0 \{[^}]*\}\n# lab b\nsubnet 192\.0\.2\.64 /)
  t.match(text, /\nhost gateway_2 \{\n {2}hardware ethernet 52:54:00:00:01:07;\n {2}fixed-address 10\.1\.0\.7, 10\.2\.16\.7;/)
  t.match(text, /\nhost roaming \{\n {2}hardware ethernet 52:54:00:00:00:09;\n {2}option host-name "roaming";\n\}/)
  t.match(text, /next-server 10\.1\.0\.6;/, "a next server of the site is written as its address: there may be no DNS yet")
  t.notMatch(text, 'ns1', 'who has no MAC is not there')
})

t.test('interfaces and addresses of one network which are as many are paired in their order', async t => {
  const of = site(
    [network('n', '10.1.0.0/16'), network('m', '10.2.0.0/16')],
    [
      host('two', { at: ['10.1.0.9', '10.1.0.3', '10.2.0.1'], macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'] }),
      host('more', { at: ['10.1.0.4', '10.1.0.5', '10.1.0.6'], macs: ['52:54:00:00:00:03', '52:54:00:00:00:04'] }),
    ],
  )
  t.same(
    [...(await textOf('dhcpd', {}, of)).matchAll(/ethernet (\S+);\n {2}fixed-address (.*);/g)].map(([, mac, at]) => `${mac?.slice(-2)} ${at}`),
    ['03 10.1.0.4', '04 10.1.0.4', '01 10.1.0.9, 10.2.0.1', '02 10.1.0.3, 10.2.0.1'].toSorted((a, b) => a.localeCompare(b)).map(String).toSorted(byHost),
  )
  const { Dhcp4 } = await kea('kea4', {}, of)
  t.equal(Dhcp4['ip-reservations-unique'], false)
  t.same(
    Dhcp4.subnet4[0].reservations.map((one: Record<string, string>) => `${one['hw-address']?.slice(-2)} ${one['ip-address']}`),
    ['02 10.1.0.3', '01 10.1.0.9', '03 10.1.0.4', '04 10.1.0.4'].toSorted(byAddress(Dhcp4)),
  )
})
