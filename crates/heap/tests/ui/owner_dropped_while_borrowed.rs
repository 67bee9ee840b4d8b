//! What is borrowed is not dropped.

struct Page {
    title: String,
}

fn main() {
    let page = Box::new(Page { title: "first".to_owned() });
    let title = &page.title;
    drop(page);
    println!("{title}");
}
