// The XML form of shapes: answers of query, ec2 and rest-xml, requests of rest-xml.
// https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
#pragma once

#include "wire/problems.h"

namespace landfall::wire {

// Appends the members of a structure, without an element around them. `root` also writes empty
// lists and maps.
void write_xml_members(const Shape& structure, const void* value, std::string& out,
                       bool root = false);
// One element.
void write_xml_element(std::string_view name, const Shape& shape, const void* value,
                       TimeFormat format, std::string& out);
void write_xml_text(std::string_view text, std::string& out);

// The members of a structure from the children of the document's root element. Error: MalformedXML.
Result<void> read_xml(const Shape& structure, std::string_view document, void* out,
                      Problems& problems);

}  // namespace landfall::wire
