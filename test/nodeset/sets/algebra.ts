/** Random expressions against a model: names written out by loops, and plain sets. */
import t from 'tap'
import { expand } from '../../../src/nodeset/expand.ts'
import { fold } from '../../../src/nodeset/fold.ts'
import { type Random, seeded } from '../../fixtures/seeded.ts'

/** Others in each run. */
const CASES = 20_000

/** A text of the language, and the names it means. */
interface Case {
  readonly text: string
  readonly names: ReadonlySet<string>
}

const generator = ({ below, oneOf }: Random) => {
  /** A range list between brackets, and its elements. */
  const ranges = (): { readonly text: string; readonly elements: readonly string[] } => {
    const texts: string[] = []
    const elements: string[] = []
    for (let i = 1 + below(3); i > 0; i--) {
      const width = below(4) === 0 ? 2 + below(2) : 0
      const write = (value: number) => (value < 0 ? String(value) : String(value).padStart(width, '0'))
      const first = below(8) === 0 && width === 0 ? -below(4) : below(12)
      const last = first + below(4)
      // Padding of both bounds has one length, so the last one must not outgrow it.
      const step = below(3) === 0 ? 1 + below(3) : 1
      if (last === first) texts.push(write(first))
      else texts.push(`${write(first)}-${write(last)}${step > 1 ? `/${step}` : ''}`)
      for (let value = first; value <= last; value += step) elements.push(write(value))
    }
    return { text: `[${texts.join(oneOf([',', ',', ' , ']))}]`, elements }
  }

  const operand = (depth: number): Case => {
    if (depth < 3 && below(6) === 0) {
      const inside = expression(depth + 1)
      return { text: `(${inside.text})`, names: inside.names }
    }
    const parts = oneOf([
      ['n', ''],
      ['n', '-ib', ''],
      ['web-', ''],
      ['r', 'x', ''],
      ['a', 'b', 'c', ''],
      ['m'],
      ['', 's'],
      ['a%', ''],
      ['n-', ''],
    ])
    let text = parts[0] as string
    let names: readonly string[] = [text]
    for (const part of parts.slice(1)) {
      const list = below(3) > 0 ? ranges() : undefined
      const number = String(below(12))
      text += `${list?.text ?? number}${part}`
      names = names.flatMap(name => (list?.elements ?? [number]).map(element => `${name}${element}${part}`))
    }
    return { text, names: new Set(names) }
  }

  const expression = (depth: number): Case => {
    let { text, names } = operand(depth)
    for (let i = below(4); i > 0; i--) {
      const operator = oneOf([',', ',', '!', '&', '^'])
      const right = operand(depth)
      text += `${oneOf(['', '', ' '])}${operator}${right.text}`
      names = plain(names, operator, right.names)
    }
    return { text, names }
  }
  return () => expression(0)
}

/** Set algebra as it is defined, element by element. */
const plain = (left: ReadonlySet<string>, operator: string, right: ReadonlySet<string>): ReadonlySet<string> => {
  const wanted = (name: string): boolean => {
    const [inLeft, inRight] = [left.has(name), right.has(name)]
    if (operator === ',') return inLeft || inRight
    if (operator === '!') return inLeft && !inRight
    if (operator === '&') return inLeft && inRight
    return inLeft !== inRight
  }
  return new Set([...left, ...right].filter(wanted))
}

t.test(
  `${CASES} random expressions: operators are plain set algebra, and folding loses and changes nothing`,
  async t => {
    const next = generator(seeded(t))
    let names = 0
    for (let i = 0; i < CASES; i++) {
      const { text, names: expected } = next()
      const found = expand(text)
      const set = new Set(found)
      names += set.size
      if (found.length !== expected.size || set.symmetricDifference(expected).size > 0)
        return t.fail(text, { found, expected: [...expected] })
      const folded = fold(found)
      const back = folded === '' ? [] : expand(folded)
      if (back.length !== found.length || set.symmetricDifference(new Set(back)).size > 0)
        return t.fail(`${text} is folded as ${folded}`, { found, back })
      if (fold(back) !== folded) return t.fail(`${text} is folded as ${folded}, then as ${fold(back)}`)
    }
    t.ok(names > CASES, `${names} names`)
  },
)
