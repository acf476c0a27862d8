import { quoted } from '../sqlite/schema.ts'

/** Where the conversations of a dataset come from. */
export type Origin =
  | { kind: 'hub'; repo: string; revision: string; files: readonly string[] }
  | { kind: 'local'; files: readonly string[] }

/** What a card tells. */
export interface CardFacts {
  /** Base name of the dataset's files. */
  name: string
  model: string
  /** How the model's tokens were made: `simulated`, `hf` or `render`. */
  tokenizer: string
  chatTemplateKwargs?: Readonly<Record<string, unknown>> | undefined
  origin: Origin
  /** SHA-256 of each source file, in hex. */
  sourceSha256: readonly string[]
  table: string
  /** Whether `<name>.json` was written. */
  json: boolean
  /** Source records that were read. */
  sourceRecords: number
  /** Rows of the table. */
  rows: number
  /** Tokens of all answers together. */
  tokens: number
  /** The first row, for the example. */
  example?: { hash: string; ids: readonly number[]; pieces: readonly string[] } | undefined
}

/** The card that lies beside a dataset: what it is, where it comes from, how to use it. Markdown. */
export function datasetCard(facts: CardFacts): string {
  const kwargs = facts.chatTemplateKwargs ? JSON.stringify(facts.chatTemplateKwargs) : 'none'
  return `# Dataset Card: ${facts.name}

## Overview

Recorded answers for vllm-sim and llm-d-inference-sim. The server hashes the token ids of a prompt and answers with a row that
has the same hash; a prompt that is not in the table gets the answer of another row.

## Tokenization Model

${facts.model}

- Tokenizer: ${facts.tokenizer}
- Variables of the chat template: ${kwargs}

Prompts match only in a server that uses the same tokenizer and, for chats, the same template and variables.

## Source Dataset

${sources(facts)}

## Dataset Formats

- **SQLite**: \`${facts.name}.sqlite3\`, which the server reads
- **JSON**: ${facts.json ? `\`${facts.name}.json\`, the same rows and the texts, for people to read` : 'not made'}

## Data Fields

| Field | In | Content |
|---|---|---|
| \`prompt_hash\` | both | SHA-256 over the prompt's token ids, each as 4 bytes, little-endian, unsigned; JSON: base64 |
| \`input_text\` | JSON | the prompt as text; of a chat, what the template made of it |
| \`generated\` | JSON | the answer as text |
| \`n_gen_tokens\` | both | number of tokens of the answer |
| \`gen_tokens\` | both | the answer: \`{"Tokens": [ids], "Strings": [pieces]}\` |

Each pair of turns has two rows: the user's text alone as a text prompt, and the conversation up to it as a chat.

## Data Example

${example(facts)}

## SQLite Database Schema

Table \`${facts.table}\`:

| Column | Type | Content |
|---|---|---|
| \`id\` | INTEGER PRIMARY KEY | row number |
| \`prompt_hash\` | BLOB NOT NULL | 32 bytes, may occur in many rows |
| \`gen_tokens\` | JSON NOT NULL | UTF-8 JSON, stored as BLOB |
| \`n_gen_tokens\` | INTEGER NOT NULL | number of ids |

\`\`\`sql
SELECT n_gen_tokens, CAST(gen_tokens AS TEXT) FROM ${quoted(facts.table)} WHERE prompt_hash = x'${facts.example?.hash ?? ''}';
\`\`\`

## Dataset Characteristics

- Rows are in the order of the source; the same prompt may have several answers, of which the server takes one at random.
- Indexes: (\`prompt_hash\`, \`n_gen_tokens\`) and (\`n_gen_tokens\`).

## Dataset Statistics

- Source records: ${facts.sourceRecords}
- Generated records: ${facts.rows}
- Tokens per answer, on average: ${facts.rows === 0 ? 0 : (facts.tokens / facts.rows).toFixed(1)}
`
}

function sources({ origin, sourceSha256 }: CardFacts): string {
  return origin.files
    .map((file, index) => {
      const place =
        origin.kind === 'local'
          ? `local file ${file}`
          : `[${origin.repo}](https://huggingface.co/datasets/${origin.repo}), file ${file}, revision ${origin.revision}`
      return `- ${place} (SHA-256 \`${sourceSha256[index]}\`)`
    })
    .join('\n')
}

function example({ example }: CardFacts): string {
  if (!example) return 'The table is empty.'
  const shown = {
    prompt_hash: Buffer.from(example.hash, 'hex').toString('base64'),
    n_gen_tokens: example.ids.length,
    gen_tokens: { Tokens: example.ids.slice(0, 8), Strings: example.pieces.slice(0, 8) },
  }
  const cut = example.ids.length > 8 ? '\n\nOnly the first 8 tokens are shown.' : ''
  return `\`\`\`\`json\n${JSON.stringify(shown)}\n\`\`\`\`${cut}`
}
