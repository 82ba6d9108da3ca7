import tseslint from 'typescript-eslint'

/** Bans every import that matches `regex`; `message` says which way the layers depend. */
const fence = (files, regex, message) => ({
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{ regex, message }] }],
  },
})

const pure = [
  { name: 'Date', message: 'The core has no clock: take the time as an argument.' },
  { name: 'process', message: 'The core has no environment: take what it needs as an argument.' },
  { name: 'console', message: 'The core does not log: return what happened.' },
  { name: 'setTimeout', message: 'The core does not wait: timers belong to adapters.' },
]

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', 'coverage', '.servers'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/strict-boolean-expressions': ['error', { allowNullableBoolean: false }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'max-params': ['error', 4],
    },
  },
  fence(['src/domain/**'], '^(?!\\./)', 'The domain imports only itself.'),
  fence(['src/ports/**'], '^(?!\\./|\\.\\./domain/)', 'Ports see the domain alone.'),
  fence(
    ['src/application/**'],
    '^(?!\\./|\\.\\./(domain|ports)/)',
    'The application sees the domain and the ports, no technology.',
  ),
  fence(
    ['src/adapters/**'],
    '^\\.\\./(?!\\.\\./(domain|ports|application)/)',
    'An adapter does not import another adapter.',
  ),
  {
    files: ['src/domain/**', 'src/ports/**', 'src/application/**'],
    rules: { 'no-restricted-globals': ['error', ...pure] },
  },
  {
    files: ['test/**'],
    rules: { '@typescript-eslint/require-await': 'off', 'max-params': 'off' },
  },
)
