import { describe } from 'vitest'
import { memoryTables } from '../support/memory-tables.ts'
import { factSourceContract } from './fact-source.contract.ts'
import { organizationRepositoryContract } from './organization-repository.contract.ts'
import { userRepositoryContract } from './user-repository.contract.ts'

describe('tables in memory', () => {
  const open = async () => memoryTables()
  factSourceContract(open)
  userRepositoryContract(open)
  organizationRepositoryContract(open)
})
