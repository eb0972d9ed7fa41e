namespace Troupe.Messages.Protocol.Migration;

/// <summary>A TCP or UDP session of a guest behind masquerade, as the connection tracking of its pod's network namespace knows it.</summary>
/// <param name="Protocol">IP protocol number: 6 (TCP) or 17 (UDP).</param>
/// <param name="Client">Where its first packet came from, before any translation.</param>
/// <param name="Server">Where its first packet was for, before any translation.</param>
/// <param name="ReplyClient">Whom the answers are for: the client, or what its address was translated into.</param>
/// <param name="ReplyServer">Whom the answers come from: the server, or what its address was translated into.</param>
/// <param name="TimeoutSeconds">After so much silence the session is forgotten.</param>
public sealed record GuestSession(byte Protocol, SessionEnd Client, SessionEnd Server, SessionEnd ReplyClient, SessionEnd ReplyServer, uint TimeoutSeconds);

/// <param name="Address">IPv4, dotted.</param>
public sealed record SessionEnd(string Address, ushort Port);
