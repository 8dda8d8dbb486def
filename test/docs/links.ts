import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '../..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort()
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** The page without its blocks of code: what is between brackets there is no link. */
const proseOf = (page: string): string => textOf(page).replaceAll(/^(`{3,})[\s\S]*?^\1$/gm, '')

/** The anchors of a page's headings, as GitHub makes them. */
const anchorsOf = (page: string): readonly string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )

/** Folders of this tree, whose files are named with the whole path from the top. */
const OURS = /^(?:src|warehouses|actors|templates|test|bench|scripts|docs|\.ci)\/[\w./-]+$/
/** `actors/ROOM/NAME.ts` stands for any. */
const PLACEHOLDER = /\b[A-Z]{3,}\b(?!\.md)/

t.test('every link to a file of the tree leads to one, and every anchor to a heading', async t => {
  for (const page of pages)
    for (const [, link = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(root, target))) t.fail(`${page}: ${link} leads nowhere`)
      else if (anchor !== undefined && !anchorsOf(target).includes(anchor)) t.fail(`${page}: no heading for ${link}`)
    }
})

t.test('every file of the tree which is named is there', async t => {
  for (const page of pages)
    for (const [, named = ''] of textOf(page).matchAll(/`([^`\n]+)`/g))
      if (OURS.test(named) && !PLACEHOLDER.test(named) && !existsSync(join(root, named)))
        t.fail(`${page} names ${named}, which is not there`)
})

t.test('every decision is in the list of decisions', async t => {
  const list = textOf('docs/decisions/README.md')
  for (const page of globSync('docs/decisions/[0-9]*.md', { cwd: root }))
    t.match(list, `(${page.slice('docs/decisions/'.length)})`)
})

t.test('the top of docs has at most twenty files', async t => {
  t.ok(globSync('docs/*', { cwd: root }).filter(path => statSync(join(root, path)).isFile()).length <= 20)
})
