/** `@stoker-pulley/stoker/nodeset`: the node-set language. */
export * from '../nodeset/index.ts'
