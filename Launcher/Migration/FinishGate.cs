using System.Buffers;
using System.Buffers.Binary;

namespace Troupe.Launcher.Migration;

/// <summary>How libvirt's last step goes on to the target.</summary>
internal enum FinishVerdict
{
    /// <summary>It does not: there is a decision on the way that ends the connection.</summary>
    Held,

    /// <summary>The target's libvirt leaves the guest paused.</summary>
    Paused,

    /// <summary>The target's libvirt runs the guest.</summary>
    Running,
}

/// <summary>
/// The place where libvirt's words to the target's libvirt pass through the source's launcher. Where post-copy is allowed, libvirt cannot be
/// told to leave the target paused, and would run it by its last step (Finish): so that step waits here for the launcher's decision.
/// </summary>
internal static class FinishGate
{
    // virNetMessageHeader: length (its own four bytes included), program, version, procedure, type, serial, status; big-endian.
    private const int HeaderBytes = 28;
    private const int ProgramAt = 4;
    private const int ProcedureAt = 12;
    private const int TypeAt = 16;
    private const uint RemoteProgram = 0x20008086;
    private const uint Call = 0;

    // REMOTE_PROC_DOMAIN_MIGRATE_FINISH3 and …_FINISH3_PARAMS. The arguments of both end with the flags' lower half and "cancelled".
    private const uint Finish3 = 217;
    private const uint Finish3Params = 306;
    private const int FlagsFromEnd = 8;
    private const int CancelledFromEnd = 4;

    /// <summary>VIR_NET_MESSAGE_MAX and the length before it.</summary>
    private const uint LongestMessage = (32 << 20) + 4;

    /// <summary>Copies libvirt's messages to the target until either end is over.</summary>
    /// <param name="ask">What is to become of a last step that is none of a failed migration.</param>
    /// <returns>Whether it was <paramref name="from"/> that ended.</returns>
    public static async Task<bool> CopyAsync(Stream from, Stream to, Func<Task<FinishVerdict>> ask, CancellationToken ct)
    {
        var header = new byte[HeaderBytes];
        while (true)
        {
            byte[]? message = null;
            try
            {
                int length;
                try
                {
                    await from.ReadExactlyAsync(header, ct).ConfigureAwait(false);
                    length = LengthOf(header);
                    message = ArrayPool<byte>.Shared.Rent(length);
                    header.CopyTo(message, 0);
                    await from.ReadExactlyAsync(message.AsMemory(HeaderBytes, length - HeaderBytes), ct).ConfigureAwait(false);
                }
                catch (Exception e) when (PeerChannels.IsEnd(e))
                {
                    return true;
                }

                if (IsFinish(message.AsSpan(0, length)))
                {
                    var verdict = await ask().ConfigureAwait(false);
                    if (verdict is FinishVerdict.Held)
                        return true;
                    if (verdict is FinishVerdict.Paused)
                        SetPaused(message.AsSpan(0, length));
                }

                try
                {
                    await to.WriteAsync(message.AsMemory(0, length), ct).ConfigureAwait(false);
                    await to.FlushAsync(ct).ConfigureAwait(false);
                }
                catch (Exception e) when (PeerChannels.IsEnd(e))
                {
                    return false;
                }
            }
            finally
            {
                if (message is not null)
                    ArrayPool<byte>.Shared.Return(message);
            }
        }
    }

    /// <summary>Nothing that is not understood passes: it might be the last step.</summary>
    private static int LengthOf(ReadOnlySpan<byte> header) =>
        BinaryPrimitives.ReadUInt32BigEndian(header) is >= HeaderBytes and <= LongestMessage and var length ? (int)length : throw new InvalidDataException("libvirt says something that is no message of its protocol");

    private static bool IsFinish(ReadOnlySpan<byte> message) =>
        Word(message, ProgramAt) == RemoteProgram && Word(message, TypeAt) == Call && Word(message, ProcedureAt) is Finish3 or Finish3Params
        && message.Length >= HeaderBytes + FlagsFromEnd && Word(message, message.Length - CancelledFromEnd) == 0;

    private static void SetPaused(Span<byte> message)
    {
        var flags = message[^FlagsFromEnd..];
        BinaryPrimitives.WriteUInt32BigEndian(flags, BinaryPrimitives.ReadUInt32BigEndian(flags) | MigrationNative.Paused);
    }

    private static uint Word(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt32BigEndian(message[at..]);
}
