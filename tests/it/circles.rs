//! No files in circles: a file that needs another, directly or by others, is not needed by it. A file may always use what the module it is
//! part of declares. Imports and paths are read from the syntax tree and followed through re-exports to the file that declares the name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

use crate::architecture::sources;

type ModulePath = Vec<String>;
type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeSet<String>>>;

/// Longest chain of re-exports that is followed.
const MAX_DEPTH: usize = 8;

/// A source file: its module, what it declares, imports and names.
#[derive(Default)]
struct SourceFile {
    /// From `src`, as in messages.
    name: String,
    module: ModulePath,
    /// What names stand for in this file: their paths, as written.
    imports: BTreeMap<String, ModulePath>,
    /// Names imported for others only, unless the file uses them itself.
    reexports: BTreeSet<String>,
    /// Modules of which everything is imported.
    globs: Vec<ModulePath>,
    declares: BTreeSet<String>,
    paths: BTreeSet<ModulePath>,
}

/// Whether an item is compiled for tests only.
pub fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

impl SourceFile {
    fn read(root: &Path, file: &Path) -> Self {
        let inside = file.strip_prefix(root).unwrap().with_extension("");
        let mut module: ModulePath = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
            module.pop();
        }
        let name = file.strip_prefix(root.parent().unwrap()).unwrap().display().to_string();
        let mut found = Self { name, module, ..Self::default() };
        let text = fs::read_to_string(file).unwrap();
        found.visit_file(&syn::parse_file(&text).unwrap());
        found
    }

    fn import(&mut self, tree: &syn::UseTree, prefix: &[String], is_public: bool) {
        let with = |name: &syn::Ident| -> ModulePath { prefix.iter().cloned().chain([name.to_string()]).collect() };
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), is_public),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, prefix, is_public)),
            syn::UseTree::Name(name) if name.ident == "self" => self.bind(prefix.last().unwrap().clone(), prefix.to_vec(), is_public),
            syn::UseTree::Name(name) => self.bind(name.ident.to_string(), with(&name.ident), is_public),
            syn::UseTree::Rename(name) => self.bind(name.rename.to_string(), with(&name.ident), is_public),
            syn::UseTree::Glob(_) => self.globs.push(prefix.to_vec()),
        }
    }

    fn bind(&mut self, name: String, path: ModulePath, is_public: bool) {
        if path.len() < 2 {
            return;
        }
        if is_public {
            self.reexports.insert(name.clone());
        }
        self.imports.insert(name, path);
    }
}

impl<'ast> Visit<'ast> for SourceFile {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = match item {
            syn::Item::Const(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            syn::Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            syn::Item::Mod(item) => (&item.attrs, None),
            syn::Item::Static(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Type(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Impl(item) => (&item.attrs, None),
            syn::Item::Use(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        self.declares.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// The arguments of a macro are no syntax tree: whatever looks like a path in them is taken for one.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        for word in text.split(|one: char| !(one.is_alphanumeric() || matches!(one, '_' | ':'))) {
            let path: ModulePath = word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            if !path.is_empty() {
                self.paths.insert(path);
            }
        }
        visit::visit_macro(self, call);
    }
}

/// Every source file of a crate, by module.
struct SourceTree(BTreeMap<ModulePath, SourceFile>);

impl SourceTree {
    fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        sources(root, &mut files);
        let is_tests = |file: &&PathBuf| file.strip_prefix(root).unwrap().iter().any(|part| part == "tests" || part == "tests.rs");
        let files = files.iter().filter(|file| !file.ends_with("main.rs") && !is_tests(file));
        Self(files.map(|file| SourceFile::read(root, file)).map(|file| (file.module.clone(), file)).collect())
    }

    /// The module of this name within a file's own.
    fn child(&self, file: &SourceFile, name: &str) -> Option<ModulePath> {
        let child: ModulePath = file.module.iter().cloned().chain([name.to_owned()]).collect();
        self.0.contains_key(&child).then_some(child)
    }

    /// A path as written in a file, from the crate's root; none when it leads out of the crate.
    fn absolute(&self, file: &SourceFile, path: &[String], depth: usize) -> Option<ModulePath> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let with = |base: &[String]| -> ModulePath { base.iter().chain(rest).cloned().collect() };
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some(with(&file.module)),
            "super" => {
                let mut base = file.module.clone();
                let mut rest = path;
                while rest.first().is_some_and(|part| part == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
                base.extend(rest.iter().cloned());
                Some(base)
            }
            name => {
                if let Some(import) = file.imports.get(name) {
                    // An import may begin at a module of the file's own; any other name in its first place is a crate's.
                    let base = match self.child(file, &import[0]) {
                        Some(_) => file.module.iter().chain(import).cloned().collect(),
                        None if import[0] == name => return None,
                        None => self.absolute(file, import, depth + 1)?,
                    };
                    return Some(with(&base));
                }
                if let Some(child) = self.child(file, name) {
                    return Some(with(&child));
                }
                file.globs.iter().find_map(|glob| {
                    let base = self.absolute(file, glob, depth + 1)?;
                    let target = self.0.get(&base)?;
                    let has_it = target.declares.contains(name) || target.imports.contains_key(name);
                    has_it.then(|| base.into_iter().chain(path.iter().cloned()).collect())
                })
            }
        }
    }

    /// The file that declares what an absolute path names, and the name.
    fn declaring(&self, path: &[String], depth: usize) -> Option<(&SourceFile, String)> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut at = self.0.get(&ModulePath::new())?;
        let mut module = ModulePath::new();
        for (number, part) in path.iter().enumerate() {
            module.push(part.clone());
            if let Some(file) = self.0.get(&module) {
                at = file;
                continue;
            }
            if at.declares.contains(part) {
                return Some((at, part.clone()));
            }
            let rest = &path[number..];
            let next = self.absolute(at, rest, depth + 1).filter(|next| next != path);
            return match next {
                Some(next) => self.declaring(&next, depth + 1),
                None if module.len() == 1 => None,
                None => Some((at, part.clone())),
            };
        }
        // A module as a whole is no name that a file needs.
        None
    }

    fn edges(&self) -> Edges<'_> {
        let mut edges = Edges::new();
        for file in self.0.values() {
            let private = file.imports.iter().filter(|(name, _)| !file.reexports.contains(*name)).map(|(name, _)| vec![name.clone()]);
            let used = file.paths.iter().cloned();
            for path in private.chain(used) {
                let Some(absolute) = self.absolute(file, &path, 0) else { continue };
                if let Some((target, name)) = self.declaring(&absolute, 0)
                    && !file.module.starts_with(&target.module)
                {
                    edges.entry(&file.name).or_default().entry(&target.name).or_default().insert(name);
                }
            }
        }
        edges
    }
}

/// Groups of files each of which needs, by some way, every other.
fn find_circles<'a>(edges: &Edges<'a>) -> Vec<BTreeSet<&'a str>> {
    let reach = |from: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(at) = open.pop() {
            for next in edges.get(at).into_iter().flat_map(|to| to.keys()) {
                if seen.insert(*next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|file| (*file, reach(file))).collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (file, to) in &reached {
        if to.contains(file) && !found.iter().any(|circle| circle.contains(file)) {
            found.push(to.iter().copied().filter(|other| reached.get(other).is_some_and(|back| back.contains(file))).collect());
        }
    }
    found
}

/// A circle as a person needs it to untie it.
fn describe(circle: &BTreeSet<&str>, edges: &Edges<'_>) -> String {
    let mut lines = Vec::new();
    for from in circle {
        for (to, names) in edges[from].iter().filter(|(to, _)| circle.contains(*to)) {
            lines.push(format!("{from} needs {} of {to}", names.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
    }
    lines.join("\n")
}

#[test]
fn files_need_each_other_in_one_direction_only() {
    let tree = SourceTree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let edges = tree.edges();
    let circles: Vec<_> = find_circles(&edges).iter().map(|circle| describe(circle, &edges)).collect();
    assert!(circles.is_empty(), "circles of files:\n{}", circles.join("\n\n"));
}

#[test]
fn a_circle_is_found_through_reexports_and_reported_with_the_names() {
    let root = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let file = root.path().join("src").join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("lib.rs", "mod orders; mod stock;");
    write("orders/mod.rs", "mod order; mod total; pub use order::Order; pub struct Shop;");
    // The module it is part of may be used; a test may use anything.
    write(
        "orders/order.rs",
        "use super::Shop; pub struct Order(Shop, crate::stock::Item); #[cfg(test)] mod tests { use super::super::total::sum; }",
    );
    write("orders/total.rs", "use super::order::Order; pub fn sum(_: &Order) {}");
    write("stock.rs", "use crate::orders; pub struct Item; fn reserve(_: orders::Order) {}");
    let tree = SourceTree::read(&root.path().join("src"));
    let edges = tree.edges();
    let found: Vec<_> = find_circles(&edges).iter().map(|circle| describe(circle, &edges)).collect();
    assert_eq!(found, ["src/orders/order.rs needs Item of src/stock.rs\nsrc/stock.rs needs Order of src/orders/order.rs"]);
}
