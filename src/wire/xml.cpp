#include "wire/xml.h"

#include <pugixml.hpp>

#include "base/bytes.h"
#include "wire/scalar.h"

namespace landfall::wire {
namespace {

constexpr int kMostNested = 64;

void open(std::string_view name, std::string& out) {
  out += '<';
  out += name;
  out += '>';
}

void close(std::string_view name, std::string& out) {
  out += "</";
  out += name;
  out += '>';
}

void write_attributes(const Member& member, const void* value, std::string& out) {
  if (!member.xml_namespace.empty()) {
    const std::size_t space = member.xml_namespace.find(' ');
    out += space == std::string_view::npos
               ? " xmlns=\""
               : fmt::format(" xmlns:{}=\"", member.xml_namespace.substr(0, space));
    write_xml_text(member.xml_namespace.substr(space + 1), out);
    out += '"';
  }
  if (member.shape->kind != Kind::structure) return;
  for (const Member& inner : member.shape->members) {
    const void* found = inner.xml_attribute ? look(inner, value) : nullptr;
    if (!found) continue;
    out += fmt::format(" {}=\"", inner.location_name);
    write_xml_text(write_scalar(*inner.shape, found, inner.time_format, TimeFormat::iso8601), out);
    out += '"';
  }
}

void write_items(std::string_view name, const Shape& list, const void* value, std::string& out) {
  each_item(list, value, [&](const void* item) {
    write_xml_element(name, *list.element, item, TimeFormat::by_protocol, out);
  });
}

void write_entries(std::string_view name, const Shape& map, const void* value, std::string& out) {
  each_entry(map, value, [&](const std::string& key, const void* item) {
    open(name, out);
    write_xml_element(map.key_name.empty() ? "key" : map.key_name, kString, &key,
                      TimeFormat::by_protocol, out);
    write_xml_element(map.element_name.empty() ? "value" : map.element_name, *map.element, item,
                      TimeFormat::by_protocol, out);
    close(name, out);
  });
}

void write_content(const Shape& shape, const void* value, TimeFormat format, std::string& out) {
  switch (shape.kind) {
    case Kind::structure:
      return write_xml_members(shape, value, out);
    case Kind::list:
      return write_items(shape.element_name.empty() ? "member" : shape.element_name, shape, value,
                         out);
    case Kind::map:
      return write_entries("entry", shape, value, out);
    case Kind::document:
      return write_xml_text(json::serialize(*static_cast<const json::value*>(value)), out);
    default:
      write_xml_text(write_scalar(shape, value, format, TimeFormat::iso8601), out);
  }
}

void write_member(const Member& member, const void* value, std::string& out) {
  const Shape& shape = *member.shape;
  if (member.flattened && shape.kind == Kind::list) {
    return write_items(shape.element_name.empty() ? member.location_name : shape.element_name,
                       shape, value, out);
  }
  if (member.flattened && shape.kind == Kind::map)
    return write_entries(member.location_name, shape, value, out);
  out += '<';
  out += member.location_name;
  write_attributes(member, value, out);
  out += '>';
  write_content(shape, value, member.time_format, out);
  close(member.location_name, out);
}

// ---- reading ----

std::string_view local_name(const char* name) {
  const std::string_view text(name);
  const std::size_t colon = text.find(':');
  return colon == text.npos ? text : text.substr(colon + 1);
}

Result<void> read(const Shape& shape, pugi::xml_node from, void* out, Problems& problems,
                  const Path& path, int depth);

std::unexpected<Error> malformed(std::string message) {
  return fail("MalformedXML", std::move(message));
}

std::vector<pugi::xml_node> children(pugi::xml_node node, std::string_view name) {
  std::vector<pugi::xml_node> out;
  for (pugi::xml_node child : node.children()) {
    if (child.type() == pugi::node_element && local_name(child.name()) == name)
      out.push_back(child);
  }
  return out;
}

Result<void> read_items(const Shape& list, const std::vector<pugi::xml_node>& from, void* out,
                        Problems& problems, const Path& path, int depth) {
  std::int64_t index = 0;
  for (pugi::xml_node item : from) {
    LF_OK(read(*list.element, item, list.list->append(out), problems, Path{&path, nullptr, ++index},
               depth));
  }
  return {};
}

Result<void> read_entries(const Shape& map, const std::vector<pugi::xml_node>& from, void* out,
                          Problems& problems, const Path& path, int depth) {
  for (pugi::xml_node entry : from) {
    const auto keys = children(entry, map.key_name.empty() ? "key" : map.key_name);
    const auto values = children(entry, map.element_name.empty() ? "value" : map.element_name);
    if (keys.size() != 1 || values.size() != 1)
      return malformed("a map entry needs one key and one value");
    const std::string key = keys[0].text().get();
    LF_OK(read(*map.element, values[0], map.map->insert(out, key), problems,
               Path{&path, nullptr, -1, key}, depth));
  }
  return {};
}

Result<void> read_structure(const Shape& shape, pugi::xml_node from, void* out, Problems& problems,
                            const Path& path, int depth) {
  // One pass over the children: a structure may hold thousands of one flattened member.
  std::map<std::string_view, std::vector<pugi::xml_node>> found;
  for (pugi::xml_node child : from.children()) {
    if (child.type() == pugi::node_element) found[local_name(child.name())].push_back(child);
  }
  for (const Member& member : shape.members) {
    if (member.location != Location::body) continue;
    const Path here{&path, &member};
    const Shape& inner = *member.shape;
    if (member.xml_attribute) {
      const pugi::xml_attribute attribute =
          from.attribute(std::string(member.location_name).c_str());
      if (attribute && !read_scalar(inner, attribute.value(), place(member, out)))
        return malformed("an attribute cannot be read");
      if (!attribute && member.required) problems.missing(here);
      continue;
    }
    const bool flat_list = member.flattened && inner.kind == Kind::list;
    const auto nodes = found.find(flat_list && !inner.element_name.empty() ? inner.element_name
                                                                           : member.location_name);
    if (nodes == found.end()) {
      if (member.required) problems.missing(here);
    } else if (flat_list) {
      LF_OK(read_items(inner, nodes->second, place(member, out), problems, here, depth));
    } else if (member.flattened && inner.kind == Kind::map) {
      LF_OK(read_entries(inner, nodes->second, place(member, out), problems, here, depth));
    } else {
      LF_OK(read(inner, nodes->second.front(), place(member, out), problems, here, depth));
    }
  }
  return {};
}

Result<void> read(const Shape& shape, pugi::xml_node from, void* out, Problems& problems,
                  const Path& path, int depth) {
  if (depth >= kMostNested) return malformed("the XML is nested too deeply");
  switch (shape.kind) {
    case Kind::structure:
      return read_structure(shape, from, out, problems, path, depth + 1);
    case Kind::list:
      return read_items(shape,
                        children(from, shape.element_name.empty() ? "member" : shape.element_name),
                        out, problems, path, depth + 1);
    case Kind::map:
      return read_entries(shape, children(from, "entry"), out, problems, path, depth + 1);
    default:
      if (!read_scalar(shape, from.text().get(), out))
        return malformed(fmt::format("<{}> holds no {}", from.name(), shape.name));
      return {};
  }
}

}  // namespace

void write_xml_text(std::string_view text, std::string& out) {
  if (!is_valid_utf8(text)) return write_xml_text(valid_utf8(text), out);
  for (char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#xD;";
        break;
      default:
        // XML 1.0 has no form for the other control characters.
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
          out += "\xef\xbf\xbd";
        } else {
          out += c;
        }
    }
  }
}

void write_xml_element(std::string_view name, const Shape& shape, const void* value,
                       TimeFormat format, std::string& out) {
  open(name, out);
  write_content(shape, value, format, out);
  close(name, out);
}

void write_xml_members(const Shape& structure, const void* value, std::string& out, bool root) {
  for (const Member& member : structure.members) {
    if (member.location != Location::body || member.xml_attribute) continue;
    const void* found = look(member, value);
    const bool container = member.shape->kind == Kind::list || member.shape->kind == Kind::map;
    if (!found && root && container) found = static_cast<const char*>(value) + member.offset;
    if (found) write_member(member, found, out);
  }
}

Result<void> read_xml(const Shape& structure, std::string_view document, void* out,
                      Problems& problems) {
  if (!is_valid_utf8(document)) return malformed("the body is not UTF-8");
  pugi::xml_document parsed;
  const pugi::xml_parse_result result =
      parsed.load_buffer(document.data(), document.size(),
                         pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
  if (!result) return malformed(fmt::format("the body is not XML: {}", result.description()));
  return read_structure(structure, parsed.document_element(), out, problems, Path{}, 0);
}

}  // namespace landfall::wire
