import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { NodeName } from '../../../src/base/names.ts'
import type { Target } from '../../../src/inventory/target.ts'
import { report } from '../../../src/report/report.ts'
import { outdir } from '../../../src/report/views/outdir.ts'
import { ended, exited, said, started, stream, target, wrong } from '../../fixtures/report/events.ts'

const temporary = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stoker-outdir-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

t.test('each target has its output in files of its own, for their owner alone', async t => {
  const folder = join(temporary(t), 'a', 'b')
  const [web1, web2, away] = [target('web1'), target('web2'), target('away')]
  const events = [
    ...[started(web1), said(web1, 'a\n'), said(web1, 'e\n', 'stderr'), said(web1, 'b'), ended(web1, exited(3))],
    ...[started(web2), ended(web2)],
    ...[started(away), ended(away, wrong('unreachable', 'CONNECT_FAILED', 'no'))],
  ]
  await report(stream(events), [await outdir(folder, [web1, web2, away])])
  t.strictSame(readdirSync(folder).sort(), ['web1.err', 'web1.out', 'web2.out'])
  t.equal(readFileSync(join(folder, 'web1.out'), 'utf8'), 'a\nb')
  t.equal(readFileSync(join(folder, 'web1.err'), 'utf8'), 'e\n')
  t.equal(readFileSync(join(folder, 'web2.out'), 'utf8'), '')
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(statSync(join(folder, 'web1.out')).mode & 0o777, 0o600)
})

t.test('what an earlier run left of a target is gone, of others it stays', async t => {
  const folder = temporary(t)
  for (const name of ['web1.err', 'web1.out', 'web2.out']) writeFileSync(join(folder, name), 'old')
  await outdir(folder, [target('web1')])
  t.strictSame(readdirSync(folder), ['web2.out'])
})

t.test('no name leads out of the folder, and every name has a file', async t => {
  const outside = temporary(t)
  const folder = join(outside, 'inside')
  const names = ['..', '.', '../../escaped', '/etc/x', 'a\0b', 'x'.repeat(253), 'ü'.repeat(253), 'fe80::1%eth0', '-rf']
  // Some of these no parser lets through; the folder does not rely on that.
  const targets = names.map((name): Target => ({ ...target('x'), name: name as NodeName }))
  await report(stream(targets.flatMap(one => [said(one, one.name), ended(one)])), [await outdir(folder, targets)])
  t.strictSame(readdirSync(outside), ['inside'])
  const texts = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
  t.strictSame(texts.sort(), names.toSorted())
})

t.test('two machines of one name have different files', async t => {
  const folder = temporary(t)
  const two = [target('n1', { addresses: ['10.0.0.1'] }), target('n1', { addresses: ['10.9.0.1'], port: 2222 })]
  await report(stream(two.flatMap(one => [said(one, one.addresses.join()), ended(one)])), [await outdir(folder, two)])
  t.strictSame(readdirSync(folder).sort(), ['n1@10.0.0.1.out', 'n1@10.9.0.1:2222.out'])
})

t.test('a link in the place of a file is not followed', async t => {
  const outside = temporary(t)
  const folder = temporary(t)
  const view = await outdir(folder, [target('web1')])
  symlinkSync(join(outside, 'victim'), join(folder, 'web1.out'))
  await t.rejects(report(stream([said(target('web1'), 'x')]), [view]), { code: 'INTERNAL', message: /web1\.out/ })
  t.strictSame(readdirSync(outside), [])
})

t.test('a folder which cannot be used is an error before anything runs', async t => {
  const file = join(temporary(t), 'file')
  writeFileSync(file, '')
  await t.rejects(outdir(file, []), { code: 'USAGE' })
  await t.rejects(outdir(join(file, 'below'), []), { code: 'USAGE', message: /cannot write output to/ })
})
