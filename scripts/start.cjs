// Starts the server under the project's own Node. Plain JavaScript that any Node can run, so that a failed install is
// told as such and not as a syntax error.
const [major, minor] = process.versions.node.split('.').map(Number)

function installFailed(reason) {
  process.stderr.write(
    `The dependencies are not installed: ${reason}.\n` +
      'The messages of the install above say why. Run "npx -y pnpm@12 install" when the cause is mended.\n',
  )
  process.exit(1)
}

if (major < 22 || (major === 22 && minor < 18)) {
  installFailed(`the project's own Node is missing, this one is ${process.version}`)
}

/**
 * Node keeps what it needs to read TypeScript, 18 MB, once it had to read one file that is not in its compile cache. The
 * cache cannot be switched on before the first file is read, so that the process starts over with it: 30 ms. Where it
 * cannot, in a thread or under --permission, the server starts in this process, which costs the memory alone.
 */
async function startOver() {
  const { env, execPath, execArgv, argv, execve, permission } = process
  if (env.NODE_COMPILE_CACHE !== undefined || env.NODE_DISABLE_COMPILE_CACHE !== undefined) return
  if (!execve || process.platform === 'win32' || permission?.has('child') === false) return
  const { compileCacheFolder } = await import('../packages/service/src/early/compile-cache.ts')
  const folder = compileCacheFolder(env)
  if (folder === undefined) return
  try {
    process.execve(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, NODE_COMPILE_CACHE: folder })
  } catch {}
}

async function start() {
  await startOver()
  await import('../apps/sim-server/src/main.ts')
}

start().catch(error => {
  if (error?.code === 'ERR_MODULE_NOT_FOUND') installFailed(error.message)
  throw error
})
