import { bool, group, option, path, text, url } from '@vllm-sim/config'

export const dataset = group('Dataset', {
  'dataset-path': option(path, { default: '', shown: true, help: 'SQLite file with prompts and answers' }),
  'dataset-url': option(url, {
    default: '',
    shown: true,
    help: 'Where to download the file from when dataset-path does not exist',
  }),
  'dataset-in-memory': option(bool, { default: false, shown: true, help: 'Hold the dataset in memory' }),
  'dataset-table-name': option(text, { default: 'llmd', shown: true, help: 'Name of the table' }),
})
