//! A page over HTTP, to this machine alone: one connection at a time, one page, nothing that a request could ask of the file system.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::super::error::Error;

/// The most bytes of a request's head.
const MOST: usize = 8192;
/// The longest that a connection may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a new connection, or the end, waits at most.
const POLL: Duration = Duration::from_millis(50);

/// What is served.
#[derive(Clone, Debug)]
pub struct Page {
    /// The page.
    pub html: String,
    /// When the browser is to load it again.
    pub reload: Option<Duration>,
}

/// A listener on 127.0.0.1.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens at a port; 0: at one that is free.
    ///
    /// # Errors
    /// A port that is taken or may not be used.
    pub fn new(port: u16) -> Result<Self, Error> {
        let failed = |e: io::Error| {
            Error::Request(format!("--serve {port}: cannot listen on 127.0.0.1: {e} (0 takes a port that is free)"))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where a browser finds it.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers requests until `ended`.
    ///
    /// # Errors
    /// A listener that fails.
    pub fn run(&self, ended: impl Fn() -> bool, mut page: impl FnMut() -> Page) -> Result<(), Error> {
        while !ended() {
            match self.listener.accept() {
                // Whoever goes away in the middle gets nothing.
                Ok((stream, _)) => drop(self.answer(stream, &mut page)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => std::thread::sleep(POLL),
                Err(e) if [ErrorKind::Interrupted, ErrorKind::ConnectionAborted].contains(&e.kind()) => {}
                Err(e) => return Err(Error::Output(e)),
            }
        }
        Ok(())
    }

    fn answer(&self, mut stream: TcpStream, page: &mut impl FnMut() -> Page) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let Some(head) = head(&mut stream)? else {
            return respond(&mut stream, "400 Bad Request", "", "the request has no end\n", true);
        };
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !self.is_ours(&head) {
            // A page from elsewhere whose name was made to lead here may not read this one.
            return respond(&mut stream, "403 Forbidden", "", "expected a request to 127.0.0.1 or localhost\n", true);
        }
        match (method, path.split('?').next().unwrap_or_default()) {
            ("GET" | "HEAD", "/") => {
                let page = page();
                let reload = page.reload.map_or_else(String::new, |after| format!("Refresh: {}\r\n", after.as_secs()));
                let headers = format!(
                    "{reload}Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src blob: data:\r\n"
                );
                respond(&mut stream, "200 OK", &headers, &page.html, method == "GET")
            }
            ("GET" | "HEAD", _) => respond(&mut stream, "404 Not Found", "", "there is only /\n", method == "GET"),
            _ => respond(&mut stream, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "only GET and HEAD\n", true),
        }
    }

    /// Whether the request names this machine as its host.
    fn is_ours(&self, head: &str) -> bool {
        let host = head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("host").then(|| value.trim())
        });
        let port = self.address.port();
        let names = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        // Port 80 isn't named.
        let bare = |host: &str| port == 80 && ["127.0.0.1", "localhost"].contains(&host);
        host.is_some_and(|host| names.iter().any(|name| host.eq_ignore_ascii_case(name)) || bare(host))
    }
}

/// A request's head; `None` where none ends within the limits.
fn head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let (start, mut bytes, mut part) = (Instant::now(), Vec::new(), [0; 1024]);
    while bytes.len() < MOST && start.elapsed() < PATIENCE {
        let read = stream.read(&mut part)?;
        bytes.extend_from_slice(&part[..read]);
        if bytes.windows(4).any(|end| end == b"\r\n\r\n") {
            return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
        }
        if read == 0 {
            break;
        }
    }
    Ok(None)
}

fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str, with_body: bool) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}
