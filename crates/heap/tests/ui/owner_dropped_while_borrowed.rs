//! A borrowed value cannot be dropped.

struct Page {
    title: String,
}

fn main() {
    let page = Box::new(Page { title: "first".to_owned() });
    let title = &page.title;
    drop(page);
    println!("{title}");
}
