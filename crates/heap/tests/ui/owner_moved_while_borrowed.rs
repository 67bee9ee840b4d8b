//! A borrowed value cannot be moved: its new owner would drop it.

struct Page {
    title: String,
}

struct Shelf {
    page: Box<Page>,
}

fn main() {
    let page = Box::new(Page { title: "first".to_owned() });
    let borrowed = &page;
    let shelf = Shelf { page };
    drop(shelf.page);
    println!("{}", borrowed.title);
}
