// What one has edited survives a reload: in this tab only, and only for whoever is signed in.
export class Draft {
  constructor(key) {
    this.key = `playground:${key}`;
  }

  read() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  write(state) {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(state));
    } catch {
      // Storage is full or blocked: the draft lasts as long as the page.
    }
  }

  clear() {
    try {
      sessionStorage.removeItem(this.key);
    } catch {
      // as above
    }
  }
}
