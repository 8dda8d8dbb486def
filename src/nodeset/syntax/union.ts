import type { Expression } from './expression.ts'

type Names = Extract<Expression, { readonly kind: 'names' }>

/**
 * The union of many expressions. Names next to names become one leaf, each name once; the rest becomes a shallow tree, so
 * that whoever walks a long list does not run out of stack. Of none: the empty set.
 */
export const unionOf = (parts: readonly Expression[]): Expression => {
  const joined: Expression[] = []
  for (let i = 0; i < parts.length; ) {
    const part = parts[i++] as Expression
    if (part.kind !== 'names') {
      joined.push(part)
      continue
    }
    const leaves = [part]
    for (; parts[i]?.kind === 'names'; i++) leaves.push(parts[i] as Names)
    joined.push(oneLeaf(leaves))
  }
  return joined.length === 0 ? { kind: 'names', text: '', names: [] } : balanced(joined, 0, joined.length)
}

const oneLeaf = (leaves: readonly Names[]): Names => {
  const [first] = leaves
  if (leaves.length === 1 && first) return { ...first, names: distinct(first.names) }
  return {
    kind: 'names',
    text: leaves.map(leaf => leaf.text).join(','),
    names: distinct(leaves.flatMap(leaf => leaf.names)),
  }
}

const distinct = (names: readonly string[]): readonly string[] => {
  if (names.length === 1) return names
  const set = new Set(names)
  return set.size === names.length ? names : [...set]
}

const balanced = (parts: readonly Expression[], from: number, to: number): Expression => {
  if (to - from === 1) return parts[from] as Expression
  const middle = Math.ceil((from + to) / 2)
  return {
    kind: 'operation',
    operator: ',',
    left: balanced(parts, from, middle),
    right: balanced(parts, middle, to),
  }
}
