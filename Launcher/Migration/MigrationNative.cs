using System.Runtime.InteropServices;

namespace Troupe.Launcher.Migration;

/// <summary>The part of libvirt's C API that moves domains. Names and numbers are libvirt's.</summary>
internal static unsafe partial class MigrationNative
{
    private const string Library = "libvirt.so.0";

    // virDomainMigrateFlags
    public const uint Live = 1;
    public const uint PeerToPeer = 1 << 1;
    public const uint Paused = 1 << 5;
    public const uint NonSharedIncremental = 1 << 7;
    public const uint Unsafe = 1 << 9;
    public const uint Compressed = 1 << 11;
    public const uint AbortOnError = 1 << 12;
    public const uint AutoConverge = 1 << 13;
    public const uint PostCopy = 1 << 15;
    public const uint Parallel = 1 << 17;

    /// <summary>virTypedParameter: 80 bytes of name, the type at 80, the value at 88.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 96)]
    public struct TypedParameter
    {
        [FieldOffset(0)]
        public fixed byte Field[80];

        [FieldOffset(80)]
        public int Type;

        [FieldOffset(88)]
        public int Int;

        [FieldOffset(88)]
        public long Long;
    }

    /// <summary>virTypedParameterType of the 8-byte integers.</summary>
    public const int TypeLong = 3, TypeUnsignedLong = 4;

    [LibraryImport(Library, EntryPoint = "virTypedParamsAddString", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int TypedParamsAddString(ref TypedParameter* parameters, ref int count, ref int capacity, string name, string value);

    [LibraryImport(Library, EntryPoint = "virTypedParamsAddULLong", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int TypedParamsAddULLong(ref TypedParameter* parameters, ref int count, ref int capacity, string name, ulong value);

    [LibraryImport(Library, EntryPoint = "virTypedParamsAddInt", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int TypedParamsAddInt(ref TypedParameter* parameters, ref int count, ref int capacity, string name, int value);

    [LibraryImport(Library, EntryPoint = "virTypedParamsFree")]
    public static partial void TypedParamsFree(TypedParameter* parameters, int count);

    [LibraryImport(Library, EntryPoint = "virDomainMigrateToURI3", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DomainMigrateToUri3(nint domain, string destination, TypedParameter* parameters, uint count, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainAbortJob")]
    public static partial int DomainAbortJob(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainGetJobStats")]
    public static partial int DomainGetJobStats(nint domain, out int type, out TypedParameter* parameters, out int count, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainMigrateSetMaxDowntime")]
    public static partial int DomainMigrateSetMaxDowntime(nint domain, ulong milliseconds, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainMigrateStartPostCopy")]
    public static partial int DomainMigrateStartPostCopy(nint domain, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainSuspend")]
    public static partial int DomainSuspend(nint domain);

    [LibraryImport(Library, EntryPoint = "virDomainResume")]
    public static partial int DomainResume(nint domain);
}
