/** `@stoker-pulley/stoker/names`: names of nodes and groups, checked. */
export { type GroupName, isNodeName, type NodeName, parseGroupName, parseNodeName, shown } from '../base/names.ts'
