// What a person made, stored in this browser (IndexedDB); without IndexedDB, nothing is stored.

const NAME = "graduel", STORE = "work", MOST_TABS = 6;

let database = null;

function open() {
  database ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return database;
}

async function run(mode, work) {
  const base = await open();
  if (!base) return undefined;
  return new Promise((resolve) => {
    const transaction = base.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = transaction.onabort = () => resolve(undefined);
  });
}

// The name of this tab; a reload keeps it.
function tabName() {
  try {
    let name = sessionStorage.getItem("tab");
    if (!name) sessionStorage.setItem("tab", name = crypto.getRandomValues(new Uint32Array(3)).join("-"));
    return name;
  } catch {
    return "tab";
  }
}

const tab = tabName();
const PARTS = ["page", "table", "trained", "run"];
const key = (part, of = tab) => `${of} ${part}`;

export const put = (part, value) => run("readwrite", (store) => (value === null ? store.delete(key(part)) : store.put(value, key(part))));

// The work of this tab, or of the tab used last for data of the same title; null if there is none.
export async function read(title) {
  const keys = (await run("readonly", (store) => store.getAllKeys())) ?? [];
  const pages = [];
  for (const name of keys.filter((one) => one.endsWith(" page"))) {
    const page = await run("readonly", (store) => store.get(name));
    if (page) pages.push([name.slice(0, -5), page]);
  }
  pages.sort((a, b) => b[1].when - a[1].when);
  for (const [name] of pages.slice(MOST_TABS)) for (const part of PARTS) await run("readwrite", (store) => store.delete(key(part, name)));
  const found = pages.find(([name, page]) => name === tab && page.title === title) ?? pages.find(([, page]) => page.title === title);
  if (!found) return null;
  const work = {};
  for (const part of PARTS) work[part] = (await run("readonly", (store) => store.get(key(part, found[0])))) ?? null;
  if (found[0] !== tab) for (const part of PARTS) await put(part, work[part]);
  return work;
}
