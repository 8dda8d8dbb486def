/** A site as big as the largest we promise: 300 groups, nested five deep, one cycle. */
import type { ContractData } from '../fixtures/warehouse-contract.ts'

/** So many nodes, `n0001` and on, in `@all` by way of building, row, rack and shelf; `@loop1` and `@loop2` are a cycle. */
export const inventory = (count: number): ContractData => {
  const width = String(count).length
  const nodes = Array.from({ length: count }, (_, i) => ({
    name: `n${String(i + 1).padStart(width, '0')}`,
    addresses: [`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`],
    macs: [`52:54:00:${[i >> 16, (i >> 8) & 255, i & 255].map(byte => byte.toString(16).padStart(2, '0')).join(':')}`],
    vars: { rack: String(i % 48) },
  }))
  const groups: Record<string, string[]> = { all: [], loop1: ['@loop2', nodes[0]?.name ?? ''], loop2: ['@loop1'] }
  // 3 buildings of 3 rows of 4 racks of 6 shelves, and some more shelves to make 300.
  const under = (parent: string, name: string) => {
    groups[parent]?.push(`@${name}`)
    groups[name] = []
    return name
  }
  const shelves: string[] = []
  for (let b = 1; b <= 3; b++) {
    const building = under('all', `building${b}`)
    for (let r = 1; r <= 3; r++) {
      const row = under(building, `row${b}-${r}`)
      for (let k = 1; k <= 4; k++) {
        const rack = under(row, `rack${b}-${r}-${k}`)
        for (let s = 1; s <= 6; s++) shelves.push(under(rack, `shelf${b}-${r}-${k}-${s}`))
      }
    }
  }
  for (let s = 1; Object.keys(groups).length < 300; s++) shelves.push(under('rack1-1-1', `more${s}`))
  for (const [i, node] of nodes.entries()) groups[shelves[i % shelves.length] ?? 'all']?.push(node.name)
  return { nodes, groups }
}

export const INVENTORY = inventory(10_000)
